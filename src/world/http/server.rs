//! The answering side over the network: a loopback server that carries a plan out.

use super::plan::{Asked, Fate, Part, Plan, Reply};
use super::{client, runtime, tls};
use crate::world::Nanos;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::ext::ReasonPhrase;
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;

/// Connections that may wait to be accepted; the system's own limit is 4096 on Linux.
const BACKLOG: u32 = 4096;
/// How long a cut body's last bytes have to leave before the connection closes.
const PARTING: Duration = Duration::from_millis(20);
/// How long to wait when the process has no descriptor left for a connection.
const RESPITE: Duration = Duration::from_millis(10);
/// Stack of a server's thread.
const STACK_BYTES: usize = 1 << 20;

/// A running server. Dropping it stops it.
pub struct Server {
    pub port: u16,
    pub plan: Arc<Plan>,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    /// Closed when the port is, and all connections.
    ended: crossbeam::channel::Receiver<()>,
}

impl Server {
    /// Listens on the loopback address; port 0: one that is free. With TLS: certificate and key as PEM.
    pub fn start(plan: Plan, port: u16, secret: Option<(Vec<u8>, Vec<u8>)>) -> io::Result<Server> {
        let acceptor = match secret {
            Some((certificate, key)) => Some(tls::acceptor(&certificate, &key).map_err(io::Error::other)?),
            None => None,
        };
        runtime::raise_file_limit();
        let runtime = runtime::build()?;
        let inside = runtime.enter();
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
        let listener = socket.listen(BACKLOG)?;
        let port = listener.local_addr()?.port();
        drop(inside);
        let plan = Arc::new(plan);
        let (stop, stopped) = oneshot::channel();
        let serving = plan.clone();
        let (ending, ended) = crossbeam::channel::bounded::<()>(0);
        let body = Box::new(move || {
            runtime.block_on(async move {
                let (mut accepting, mut stopped) = (Box::pin(accept(listener, serving, acceptor)), stopped);
                // It ends when it is told to stop, or dropped.
                poll_fn(|cx| match accepting.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(()),
                    Poll::Pending => Pin::new(&mut stopped).poll(cx).map(drop),
                })
                .await;
            });
            runtime.shutdown_background();
            drop(ending);
        });
        crate::world::thread::start("kit.server", STACK_BYTES, body)?;
        Ok(Server { port, plan, stop: Mutex::new(Some(stop)), ended })
    }

    /// Closes the port and all connections, and waits until they are closed. Stopping twice is no error.
    pub fn stop(&self) {
        if let Some(stop) = self.stop.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A server whose thread has ended is stopped.
            let _ = stop.send(());
        }
        // Nothing is ever sent: the other end is dropped.
        let _ = self.ended.recv();
    }
}

async fn accept(listener: TcpListener, plan: Arc<Plan>, acceptor: Option<TlsAcceptor>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(RESPITE).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let reset = Arc::new(AtomicBool::new(false));
        let line = Line { stream, reset: reset.clone() };
        let (plan, acceptor) = (plan.clone(), acceptor.clone());
        tokio::spawn(async move {
            match acceptor {
                None => serve(line, plan, reset).await,
                // A client that does not trust us hangs up here.
                Some(acceptor) => {
                    if let Ok(line) = tls::server(&acceptor, line).await {
                        serve(line, plan, reset).await;
                    }
                }
            }
        });
    }
}

async fn serve(line: impl AsyncRead + AsyncWrite + Unpin, plan: Arc<Plan>, reset: Arc<AtomicBool>) {
    let service = service_fn(move |request| answer(plan.clone(), reset.clone(), request));
    let served = http1::Builder::new()
        .auto_date_header(false)
        .title_case_headers(true)
        .pipeline_flush(true)
        .serve_connection(TokioIo::new(line), service);
    // A connection that breaks is the client's affair.
    let _ = served.await;
}

/// A connection that can be reset in place of being closed.
struct Line {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.reset.load(Relaxed) {
            // Without it the connection is closed, which is the next best.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, from)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.load(Relaxed) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Why a connection ends without a whole answer.
#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error("the plan ends the connection here")]
    Planned,
    #[error("the plan has an answer that cannot be sent")]
    Unsendable,
}

async fn answer(
    plan: Arc<Plan>,
    reset: Arc<AtomicBool>,
    request: Request<Incoming>,
) -> Result<Response<Either<Full<Bytes>, Parts>>, Cut> {
    let (head, body) = request.into_parts();
    let body = match body.is_end_stream() {
        true => Bytes::new(),
        false => body.collect().await.map_err(|_| Cut::Planned)?.to_bytes(),
    };
    let shown = |v: &HeaderValue| String::from_utf8_lossy(v.as_bytes()).into_owned();
    let headers: Vec<_> = head.headers.iter().map(|(n, v)| (client::usual(n.as_str()), shown(v))).collect();
    let target = head.uri.path_and_query().map_or("/", |p| p.as_str());
    let reply = plan.reply(&Asked { method: head.method.as_str(), target, headers: &headers, body: &body });
    sleep(reply.latency).await;
    match reply.fate {
        Fate::Answer => respond(reply),
        Fate::Hang => std::future::pending().await,
        Fate::Close => Err(Cut::Planned),
        Fate::Reset => {
            reset.store(true, Relaxed);
            Err(Cut::Planned)
        }
    }
}

async fn sleep(length: Nanos) {
    if length > 0 {
        tokio::time::sleep(Duration::from_nanos(length)).await;
    }
}

fn respond(mut reply: Reply) -> Result<Response<Either<Full<Bytes>, Parts>>, Cut> {
    let plain =
        !reply.cut && reply.length.is_some() && reply.parts.iter().all(|p| p.delay == 0) && reply.parts.len() < 2;
    let body = if plain {
        Either::Left(Full::new(reply.parts.pop().map(|p| p.bytes).unwrap_or_default()))
    } else {
        Either::Right(Parts { left: reply.parts.into(), sleep: None, cut: reply.cut })
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(reply.status).map_err(|_| Cut::Unsendable)?;
    if let Some(reason) = reply.reason {
        response.extensions_mut().insert(ReasonPhrase::try_from(reason.into_bytes()).map_err(|_| Cut::Unsendable)?);
    }
    let headers = response.headers_mut();
    for (name, value) in reply.headers {
        let name: HeaderName = name.parse().map_err(|_| Cut::Unsendable)?;
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).map_err(|_| Cut::Unsendable)?);
    }
    if let Some(length) = reply.length {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    Ok(response)
}

/// A body that takes its time, and may end too early.
struct Parts {
    left: VecDeque<Part>,
    sleep: Option<Pin<Box<Sleep>>>,
    cut: bool,
}

impl Body for Parts {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let pause = match self.left.front() {
            Some(part) => Duration::from_nanos(part.delay),
            None if self.cut => PARTING,
            None => return Poll::Ready(None),
        };
        if !pause.is_zero() {
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
            ready!(sleep.as_mut().poll(cx));
            self.sleep = None;
        }
        Poll::Ready(Some(match self.left.pop_front() {
            Some(part) => Ok(Frame::data(part.bytes)),
            None => Err(Cut::Planned),
        }))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// `Infallible` is what a whole body fails with; it never does.
impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Cut {
        match never {}
    }
}
