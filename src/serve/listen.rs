//! Takes connections in: so many at once, none that is slow to say what it wants, and ends them in good order.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use super::tls::Tls;

/// Connections that are open at once; more wait in the kernel.
const AT_ONCE: usize = 4_096;

/// How long a greeting or the head of a request may take to come in, and a connection to be quiet.
const PATIENCE: Duration = Duration::from_secs(20);

/// The largest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// How long requests that are being answered are waited for at the end.
const DRAIN: Duration = Duration::from_secs(5);

/// Answers until `stop` comes; then takes nothing new in, and ends what is open.
pub(super) async fn listen(
    listener: TcpListener,
    (router, tls): (Router, Option<Tls>),
    stop: impl Future<Output = ()>,
) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let graceful = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let Ok(turn) = room.clone().acquire_owned().await else { break };
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Too many files are open, perhaps; it is better a moment later.
                    tracing::warn!(%error, "a connection could not be taken in");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let _ = stream.set_nodelay(true);
        let (watcher, router) = (graceful.watcher(), router.clone());
        let acceptor = tls.as_ref().map(Tls::acceptor);
        // Whoever breaks off need not be told of.
        tokio::spawn(async move {
            match acceptor {
                None => drop(watcher.watch(connection(stream, peer, router)).await),
                Some(acceptor) => {
                    let greeted = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await;
                    if let Ok(Ok(stream)) = greeted {
                        drop(watcher.watch(connection(stream, peer, router)).await);
                    }
                }
            }
            drop(turn);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}

fn connection<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    stream: S,
    peer: SocketAddr,
    router: Router,
) -> http1::Connection<
    TokioIo<S>,
    impl hyper::service::Service<
        Request<Incoming>,
        Response = axum::response::Response,
        Error = Infallible,
        Future = impl Future<Output = Result<axum::response::Response, Infallible>> + Send,
    > + use<S>,
> {
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            router.oneshot(request).await
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
}
