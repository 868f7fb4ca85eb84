//! Files of a simulation from outside: what is left on the host, and what is not.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A new empty folder.
fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("files").join(name);
    if path.exists() {
        fs::remove_dir_all(&path).expect("the last run's folder goes");
    }
    fs::create_dir_all(&path).expect("a folder");
    path
}

/// Runs code in a folder: exit code, output, errors.
fn run(at: &Path, env: &[(&str, &str)], flags: &[&str], code: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kit"));
    command.arg("run").args(flags).args(["-c", code]).current_dir(at).stdin(Stdio::null());
    for variable in ["KIT_GIL", "KIT_SWITCH_INTERVAL", "KIT_SIM_FS", "NO_COLOR"] {
        command.env_remove(variable);
    }
    let output = command.envs(env.iter().copied()).output().expect("kit starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn ok(at: &Path, flags: &[&str], code: &str) -> String {
    let (status, out, err) = run(at, &[], flags, code);
    assert!(status == 0 && err.is_empty(), "{flags:?}: {status}\n{out}\n{err}");
    out
}

/// Everything below a folder: path, content, and when it was changed.
fn snapshot(at: &Path) -> Vec<(PathBuf, Option<Vec<u8>>, std::time::SystemTime)> {
    let mut all = Vec::new();
    let mut todo = vec![at.to_path_buf()];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let status = fs::symlink_metadata(&path).expect("its status");
            let content = status.is_file().then(|| fs::read(&path).expect("its content"));
            all.push((path.clone(), content, status.modified().expect("its time")));
            if status.is_dir() {
                todo.push(path);
            }
        }
    }
    all.sort();
    all
}

/// A small tree of real files.
fn planted(name: &str) -> PathBuf {
    let at = folder(name);
    fs::create_dir_all(at.join("tree/inner")).expect("folders");
    for (name, text) in [("a.txt", "a\n"), ("tree/b.txt", "b\n"), ("tree/inner/c.txt", "c\n")] {
        fs::write(at.join(name), text).expect("a file");
    }
    std::os::unix::fs::symlink("tree/b.txt", at.join("link")).expect("a link");
    at
}

/// Does to the planted tree whatever can be done to files.
const EVERYTHING: &str = "
import os, pathlib, shutil, tempfile, multiprocessing, threading
open('a.txt', 'a').write('more\\n')
open('new.txt', 'w').write('new')
open('link', 'r+').write('B')
os.rename('tree', 'moved')
os.remove('moved/inner/c.txt')
os.mkdir('moved/inner/d')
shutil.copytree('moved', 'copy')
os.symlink('a.txt', 'soft')
os.link('a.txt', 'hard')
os.chmod('a.txt', 0o600)
os.utime('a.txt', (1, 1))
os.truncate('moved/b.txt', 1)
pathlib.Path('p.txt').write_text('path')
fd = os.open('n.txt', os.O_WRONLY | os.O_CREAT)
os.write(fd, b'number')
os.close(fd)
handle, name = tempfile.mkstemp(dir='.')
t = threading.Thread(target=lambda: open('t.txt', 'w').write('thread'))
t.start()
t.join()
kept = open('never closed', 'w')
kept.write('x')
for folder, folders, files in os.walk('.'):
    folders.sort()
    print(folder, folders, [f for f in files if not f.startswith('tmp')])
print(open('a.txt').read().split(), open('moved/b.txt').read(), open('hard').read() == open('soft').read())
print(oct(os.stat('a.txt').st_mode), os.stat('hard').st_nlink, os.stat('a.txt').st_mtime)
";

#[test]
fn an_overlay_leaves_nothing_behind() {
    let at = planted("overlay");
    let before = snapshot(&at);
    let out = ok(&at, &["--sim"], EVERYTHING);
    assert_eq!(snapshot(&at), before, "the host's files as they were");
    let shown = "\
. ['copy', 'moved'] ['a.txt', 'hard', 'link', 'n.txt', 'never closed', 'new.txt', 'p.txt', 'soft', 't.txt']
./copy ['inner'] ['b.txt']
./copy/inner ['d'] []
./copy/inner/d [] []
./moved ['inner'] ['b.txt']
./moved/inner ['d'] []
./moved/inner/d [] []
['a', 'more'] B True
0o100600 2 1.0
";
    // What the link leads to was moved away, so writing through it came first.
    assert_eq!(out, shown);
    assert_eq!(ok(&at, &["--sim", "--sim-fs", "overlay"], EVERYTHING), shown);
    assert_eq!(snapshot(&at), before);
    let (mut real, ours) = (folder("compared"), planted("committed"));
    fs::remove_dir_all(&real).expect("it goes");
    real = planted("compared");
    assert_eq!(ok(&real, &[], EVERYTHING), shown, "as in the real world");
    assert_eq!(ok(&ours, &["--sim", "--sim-fs", "commit"], EVERYTHING), shown);
    assert_eq!(fs::read(ours.join("new.txt")).expect("written"), b"new");
    assert_eq!(fs::read(ours.join("never closed")).expect("written"), b"x");
    assert!(!ours.join("tree").exists() && ours.join("moved/inner/d").exists());
}

#[test]
fn children_share_it() {
    let at = folder("children");
    fs::write(
        at.join("main.kit"),
        "
import multiprocessing, os
def work():
    print(open('parent').read())
    open('child', 'w').write('child')
    os.remove('main.kit')
if __name__ == '__main__':
    open('parent', 'w').write('parent')
    p = multiprocessing.Process(target=work)
    p.start()
    p.join()
    print(os.listdir('.'), open('child').read(), p.exitcode)
",
    )
    .expect("a script");
    let output = Command::new(env!("CARGO_BIN_EXE_kit"))
        .args(["run", "--sim", "main.kit"])
        .current_dir(&at)
        .env_remove("KIT_SIM_FS")
        .output()
        .expect("kit starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "parent\n['child', 'parent'] child 0\n");
    assert_eq!(snapshot(&at).len(), 1, "only the script is there");
}

#[test]
fn denying_refuses_every_write_by_name() {
    let at = planted("denied");
    let before = snapshot(&at);
    let code = "
import os
print(open('a.txt').read(), sorted(os.listdir('.')), os.path.getsize('tree/b.txt'))
tries = [lambda: open('a.txt', 'w'), lambda: open('a.txt', 'a'), lambda: open('a.txt', 'r+'), lambda: open('x', 'x'),
         lambda: os.remove('a.txt'), lambda: os.mkdir('x'), lambda: os.rmdir('empty'), lambda: os.rename('a.txt', 'x'),
         lambda: os.symlink('a', 'x'), lambda: os.link('a.txt', 'x'), lambda: os.chmod('a.txt', 0), lambda: os.utime('a.txt'),
         lambda: os.truncate('a.txt', 0), lambda: os.open('x', os.O_CREAT | os.O_WRONLY)]
for t in tries:
    try:
        print('no error', t())
    except PermissionError as e:
        assert '--sim-fs' in str(e), e
        print(e.errno, e.filename)
for t in [lambda: os.remove('none'), lambda: open('none'), lambda: os.mkdir('tree')]:
    try:
        t()
    except OSError as e:
        print(type(e).__name__)
open('/dev/null', 'w').write('x')
open('y', 'w')
";
    fs::create_dir(at.join("empty")).expect("a folder");
    let before_empty = before.len() + 1;
    let (status, out, err) = run(&at, &[("KIT_SIM_FS", "deny")], &["--sim"], code);
    assert_eq!(
        out,
        "a\n ['a.txt', 'empty', 'link', 'tree'] 2\n13 a.txt\n13 a.txt\n13 a.txt\n13 x\n13 a.txt\n13 x\n13 empty\n\
         13 a.txt\n13 a\n13 a.txt\n13 a.txt\n13 a.txt\n13 a.txt\n13 x\nFileNotFoundError\nFileNotFoundError\n\
         FileExistsError\n"
    );
    assert_eq!(status, 1);
    let text = "PermissionError: [Errno 13] Permission denied: this simulation writes no files; run with --sim-fs \
                overlay or commit: 'y'";
    assert!(err.trim_end().ends_with(text), "{err}");
    assert_eq!(snapshot(&at).len(), before_empty);
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    let at = folder("refused");
    let code = "
import os
tries = [lambda: open('/dev/tty'), lambda: open('/dev/urandom', 'rb'), lambda: os.open('.', os.O_RDONLY),
         lambda: open('/proc/self/comm', 'w'), lambda: open('/dev/stdin')]
for t in tries:
    try:
        print('no error', t())
    except NotImplementedError as e:
        print(e)
print(open('/dev/zero', 'rb').read(2))
r, w = os.pipe()
try:
    open(r)
except NotImplementedError as e:
    print(e)
";
    let out = ok(&at, &["--sim"], code);
    let lines: Vec<&str> = out.lines().collect();
    let names = [
        "'/dev/tty', which is no file,",
        "'/dev/urandom', which is no file,",
        "'.', a folder by number,",
        "writing to '/proc/self/comm', which is made up by the system,",
        "'/dev/stdin', which is no file,",
    ];
    for (line, name) in lines.iter().zip(names) {
        assert_eq!(*line, format!("{name} is not in a simulation's overlay; run with --sim-fs commit"));
    }
    assert_eq!(lines[5], "b'\\x00\\x00'");
    assert!(lines[6].starts_with("open: a simulation's pipes"), "{out}");
    let (status, _, err) = run(&at, &[], &["--sim", "--sim-fs", "nowhere"], "1");
    assert!(status == 2 && err.contains("'nowhere'; there are: overlay, commit, deny"), "{err}");
    let (status, _, err) = run(&at, &[], &["--sim-fs", "deny"], "1");
    assert!(status == 2 && err.contains("--sim"), "{err}");
}

#[test]
fn times_are_virtual_and_runs_repeat() {
    let at = planted("times");
    let code = "
import os, tempfile, time
start = time.time()
def age(p):
    return round(os.stat(p).st_mtime - start, 3)
f = open('x', 'w')
time.sleep(1)
f.write('text')
time.sleep(1)
f.close()
print(age('x'))
time.sleep(3)
open('dropped', 'w').write('text')
time.sleep(4)
print(age('x'), age('dropped'))
open('dropped', 'a').close()
open('dropped').read()
print(age('dropped'), os.stat('x').st_ino, os.stat('dropped').st_ino, f.name, open('x').fileno())
os.rename('x', 'z')
os.mkdir('m')
time.sleep(1)
open('m/in', 'w').close()
print(age('z'), age('m'), age('m/in'), age('.'))
fd, name = tempfile.mkstemp()
time.sleep(2)
os.write(fd, b'1')
print(fd, name, age(name), os.fstat(fd).st_size)
";
    let out = ok(&at, &["--sim", "--seed", "3"], code);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[..4], ["2.0", "2.0 5.0", "5.0 1 2 x 3", "2.0 10.0 10.0 9.0"]);
    assert!(lines[4].starts_with("3 /tmp/tmp") && lines[4].ends_with(" 12.0 1"), "{out}");
    for _ in 0..2 {
        assert_eq!(ok(&at, &["--sim", "--seed", "3"], code), out);
    }
}
