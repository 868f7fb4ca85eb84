//! The program `kit`. Everything is in the library; see `cli`.

fn main() {
    kit::cli::main()
}
