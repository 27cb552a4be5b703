//! A wire between us and a counterpart: it carries every request on and every answer back, writes down what passed, and
//! fails at the one request that it is told to. It knows HTTP, and the end of a mail.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::failure::{Failure, LATE};

/// What is said over a wire.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    Http,
    Mail,
}

/// Whether somebody is there.
enum Accepting {
    Yes(JoinHandle<()>),
    /// Nobody is; the address is kept, so that nobody else is there meanwhile, who would never answer or worse.
    No(TcpSocket),
}

struct Shared {
    address: SocketAddr,
    /// Where nobody may ever be sent.
    trap: SocketAddr,
    upstream: SocketAddr,
    speech: Speech,
    seen: Mutex<Vec<String>>,
    armed: Mutex<Option<(usize, Failure)>>,
    limit: Mutex<Duration>,
    accepting: tokio::sync::Mutex<Accepting>,
    trapped: AtomicUsize,
    over: watch::Receiver<()>,
}

/// A wire; all that hangs on it ends when it is dropped.
pub(super) struct Wire {
    shared: Arc<Shared>,
    _over: watch::Sender<()>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Ok(accepting) = self.shared.accepting.try_lock()
            && let Accepting::Yes(task) = &*accepting
        {
            task.abort();
        }
    }
}

impl Wire {
    /// Lays a wire to a counterpart.
    pub(super) async fn to(upstream: SocketAddr, speech: Speech) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (end, over) = watch::channel(());
        let shared = Arc::new(Shared {
            address: listener.local_addr().unwrap(),
            trap: trap.local_addr().unwrap(),
            upstream,
            speech,
            seen: Mutex::default(),
            armed: Mutex::default(),
            limit: Mutex::default(),
            accepting: tokio::sync::Mutex::new(Accepting::No(TcpSocket::new_v4().unwrap())),
            trapped: AtomicUsize::default(),
            over,
        });
        let wire = Self { shared: Arc::clone(&shared), _over: end };
        *shared.accepting.lock().await = open(&shared, listener);
        tokio::spawn(async move {
            let mut over = shared.over.clone();
            loop {
                tokio::select! {
                    came = trap.accept() => drop(came),
                    _ = over.changed() => return,
                }
                shared.trapped.fetch_add(1, Ordering::SeqCst);
            }
        });
        wire
    }

    /// What stands for the counterpart.
    pub(super) fn address(&self) -> SocketAddr {
        self.shared.address
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.shared.address)
    }

    /// Method and path of all that passed or was to pass.
    pub(super) fn seen(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Fails once, at the request of this number; an attempt may take so long.
    pub(super) async fn arm(&self, at: usize, failure: Failure, limit: Duration) {
        *self.shared.armed.lock().unwrap() = Some((at, failure));
        *self.shared.limit.lock().unwrap() = limit;
        if failure == Failure::Refused && at == self.seen().len() {
            close(&self.shared).await;
        }
    }

    /// Takes up again what it refused.
    pub(super) async fn heal(&self) {
        let mut accepting = self.shared.accepting.lock().await;
        if let Accepting::No(_) = &*accepting {
            *self.shared.armed.lock().unwrap() = None;
            let none = Accepting::No(TcpSocket::new_v4().unwrap());
            let Accepting::No(socket) = std::mem::replace(&mut *accepting, none) else { return };
            *accepting = open(&self.shared, socket.listen(1024).unwrap());
        }
    }

    /// How often somebody went where we were sent.
    pub(super) fn trapped(&self) -> usize {
        self.shared.trapped.load(Ordering::SeqCst)
    }
}

fn open(shared: &Arc<Shared>, listener: TcpListener) -> Accepting {
    let shared = Arc::clone(shared);
    Accepting::Yes(tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                let mut over = shared.over.clone();
                tokio::select! {
                    _ = over.changed() => {}
                    _ = shared.serve(stream) => {}
                }
            });
        }
    }))
}

async fn close(shared: &Shared) {
    let mut accepting = shared.accepting.lock().await;
    if let Accepting::Yes(task) = &mut *accepting {
        task.abort();
        let _ = task.await;
        *accepting = Accepting::No(kept(shared.address).await);
    }
}

/// Keeps an address that was listened on. A program that another test is just starting holds the listener for a moment.
async fn kept(address: SocketAddr) -> TcpSocket {
    for _ in 0..1000 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        if socket.bind(address).is_ok() {
            return socket;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("somebody else listens at {address}");
}

impl Shared {
    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        if self.speech == Speech::Mail {
            return self.serve_mail(stream).await;
        }
        let (head, body) = request(&mut stream).await?;
        let line: Vec<&str> = head.lines().next()?.split(' ').take(2).collect();
        let failure = self.note(line.join(" "));
        if matches!(failure, Some(Failure::CutBefore)) {
            return None;
        }
        let said = format!("{head}{}", String::from_utf8_lossy(&body));
        if matches!(failure, Some(Failure::Redirect)) {
            let headers = format!("location: http://{}/elsewhere\r\n", self.trap);
            return write(&mut stream, &answer(307, &headers, &said)).await;
        }
        let real = self.carry(&head, &body).await?;
        let end = self.seen.lock().unwrap().len();
        if *self.armed.lock().unwrap() == Some((end, Failure::Refused)) {
            close(self).await;
        }
        match failure {
            Some(failure) => self.fail((failure, &mut stream), &real, &said).await,
            None => write(&mut stream, &real).await,
        }
    }

    /// Writes down a request, and tells how it fails.
    fn note(&self, line: String) -> Option<Failure> {
        let mut seen = self.seen.lock().unwrap();
        seen.push(line);
        let at = seen.len() - 1;
        let mut armed = self.armed.lock().unwrap();
        let fails =
            armed.is_some_and(|(place, failure)| place == at && failure != Failure::Refused);
        if fails { armed.take().map(|(_, failure)| failure) } else { None }
    }

    /// Carries a request to the counterpart and returns its whole answer.
    async fn carry(&self, head: &str, body: &[u8]) -> Option<Vec<u8>> {
        let mut other = TcpStream::connect(self.upstream).await.ok()?;
        let lines = head.trim_end().split("\r\n");
        let kept = lines.filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
        let head = kept.fold(String::new(), |head, line| head + line + "\r\n");
        other.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).await.ok()?;
        other.write_all(body).await.ok()?;
        let mut answer = Vec::new();
        other.read_to_end(&mut answer).await.ok()?;
        Some(answer)
    }

    /// Spoils an answer; what was said is repeated, with all the credentials in it.
    async fn fail(
        &self,
        (failure, stream): (Failure, &mut TcpStream),
        real: &[u8],
        said: &str,
    ) -> Option<()> {
        match failure {
            Failure::CutAfter => write(stream, real.get(..real.len() - 3)?).await,
            Failure::Lost => std::future::pending().await,
            Failure::Late => {
                let limit = *self.limit.lock().unwrap();
                tokio::time::sleep(limit + LATE).await;
                write(stream, real).await
            }
            Failure::Broken => write(stream, &answer(503, "", said)).await,
            Failure::Garbage => {
                let page = format!("<html>\u{1b}[2J<title>Log in</title>{said}</html>");
                write(stream, &answer(200, "content-type: text/html\r\n", &page)).await
            }
            Failure::Huge => {
                let page = format!("{{\"pad\": \"{}\"}}{said}", "x".repeat(3 << 20));
                write(stream, &answer(200, "content-type: application/json\r\n", &page)).await
            }
            Failure::Slow => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n").await.ok()?;
                dribble(stream).await
            }
            Failure::Refused | Failure::CutBefore | Failure::Redirect => None,
        }
    }

    /// Carries a mail; it fails when the counterpart has taken it.
    async fn serve_mail(&self, stream: TcpStream) -> Option<()> {
        let failure = self.note("MAIL".to_owned());
        if matches!(failure, Some(Failure::CutBefore)) {
            return None;
        }
        let other = TcpStream::connect(self.upstream).await.ok()?;
        let ((mut ours, mut ours_back), (mut theirs, mut theirs_back)) =
            (stream.into_split(), other.into_split());
        let text = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&text);
        let there = tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = ours.read(&mut buffer).await {
                told.lock().unwrap().extend_from_slice(&buffer[..count]);
                if theirs_back.write_all(&buffer[..count]).await.is_err() {
                    break;
                }
            }
        });
        let mut buffer = [0; 4096];
        let mut done = false;
        while let Ok(count @ 1..) = theirs.read(&mut buffer).await {
            let is_end = text.lock().unwrap().windows(5).any(|end| end == b"\r\n.\r\n");
            if is_end
                && !std::mem::replace(&mut done, true)
                && let Some(failure) = failure
            {
                match failure {
                    Failure::Lost => std::future::pending::<()>().await,
                    Failure::Late => {
                        let limit = *self.limit.lock().unwrap();
                        tokio::time::sleep(limit + LATE).await;
                    }
                    Failure::Broken => {
                        ours_back.write_all(b"451 4.3.0 something broke\r\n").await.ok()?;
                        continue;
                    }
                    Failure::Garbage => {
                        ours_back.write_all(b"\x00\xff<html>\r\n").await.ok()?;
                        continue;
                    }
                    Failure::Huge => ours_back.write_all(&vec![b'2'; 3 << 20]).await.ok()?,
                    Failure::Slow => loop {
                        ours_back.write_all(b"2").await.ok()?;
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    },
                    _ => break,
                }
            }
            ours_back.write_all(&buffer[..count]).await.ok()?;
        }
        there.abort();
        Some(())
    }
}

async fn write(stream: &mut TcpStream, bytes: &[u8]) -> Option<()> {
    stream.write_all(bytes).await.ok()?;
    stream.shutdown().await.ok()
}

async fn dribble(stream: &mut TcpStream) -> Option<()> {
    loop {
        stream.write_all(b" ").await.ok()?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn answer(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
        .into_bytes()
}

/// Reads a request: its head with the empty line, and its body as it was sent.
async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let length: usize = length.unwrap_or(0);
    let chunked = lower.contains("transfer-encoding: chunked");
    while bytes.len() < end + length || (chunked && !bytes.ends_with(b"0\r\n\r\n")) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some((head, bytes.split_off(end)))
}
