//! A server for tests: it answers as a test says, and remembers what it was asked.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::Server;
use super::send::Patience;
use crate::cli::local::testing::context;

/// Long enough for a machine that does much else.
pub(in crate::cli) const PATIENT: Patience = Patience {
    known: Duration::from_mins(2),
    strange: Duration::from_mins(2),
    pause: Duration::from_millis(1),
};

/// What a server was asked.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Asked {
    /// With its parameters.
    pub(in crate::cli) path: String,
    pub(in crate::cli) key: Option<String>,
}

/// A server that answers as a test says.
pub(in crate::cli) struct Stub {
    pub(in crate::cli) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    folder: tempfile::TempDir,
}

impl Stub {
    /// Starts one; it is told how often it was asked before, and what. Where it answers nothing, the connection breaks.
    pub(in crate::cli) async fn answering(
        answers: impl Fn(usize, &str) -> Option<String> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let seen = asked.clone();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let Some(one) = read(&mut client).await else { continue };
                let before = {
                    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.push(one.clone());
                    seen.len() - 1
                };
                if let Some(answer) = answers(before, &one.path) {
                    let _ = client.write_all(answer.as_bytes()).await;
                }
            }
        });
        Self { url, asked, folder: tempfile::tempdir().expect("a folder") }
    }

    /// Returns what asks it.
    pub(in crate::cli) fn server(&self, patience: Patience) -> Server {
        let made = Server::at((&self.url, "hunter22"), &context(self.folder.path()), patience);
        made.map_err(|it| it.to_string()).expect("made")
    }

    /// Returns all that it was asked.
    pub(in crate::cli) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the paths of all that it was asked.
    pub(in crate::cli) fn paths(&self) -> Vec<String> {
        self.asked().into_iter().map(|one| one.path).collect()
    }
}

/// Writes an answer.
#[expect(clippy::unnecessary_wraps, reason = "a server may as well answer nothing")]
pub(in crate::cli) fn answer(status: u16, body: &str) -> Option<String> {
    let length = body.len();
    Some(format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\nretry-after: 0\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n{body}"
    ))
}

/// Writes a problem as the API does.
pub(in crate::cli) fn problem(status: u16, word: &str) -> Option<String> {
    answer(status, &format!("{{\"type\": \"urn:trueline:problem:{word}\", \"title\": \"No\"}}"))
}

/// Reads one request with its body.
async fn read(client: &mut TcpStream) -> Option<Asked> {
    let (mut read, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let header = |name: &str| {
                let mut lines = head.lines();
                lines
                    .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                    .map(str::to_owned)
            };
            let length = header("content-length").map_or(0, |it| it.parse().expect("a length"));
            if body.len() >= length {
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                return Some(Asked { path, key: header("idempotency-key") });
            }
        }
        match client.read(&mut piece).await {
            Ok(count) if count > 0 => read.extend_from_slice(&piece[..count]),
            _ => return None,
        }
    }
}
