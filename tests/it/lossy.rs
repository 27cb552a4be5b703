//! What stands between a client and a server: something that loses the first answer to what changes something, and servers
//! that are no Trueline.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Hands requests over, and loses the first answer to a POST.
pub(crate) struct Lossy {
    address: SocketAddr,
    lost: Arc<AtomicUsize>,
}

impl Lossy {
    pub(crate) fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (server, lost) = (server.to_owned(), Arc::new(AtomicUsize::new(0)));
        let counted = lost.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (server, lost) = (server.clone(), counted.clone());
                std::thread::spawn(move || hand_over(client, &server, &lost));
            }
        });
        Self { address, lost }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many answers were lost.
    pub(crate) fn lost(&self) -> usize {
        self.lost.load(Ordering::SeqCst)
    }
}

fn hand_over(mut client: TcpStream, server: &str, lost: &AtomicUsize) {
    let request = request(&mut client);
    let text = String::from_utf8_lossy(&request).into_owned();
    let Some((first, rest)) = text.split_once("\r\n") else { return };
    let mut there = TcpStream::connect(server).unwrap();
    write!(there, "{first}\r\nconnection: close\r\n{rest}").unwrap();
    let mut answer = Vec::new();
    there.read_to_end(&mut answer).unwrap();
    if first.starts_with("POST") && lost.load(Ordering::SeqCst) == 0 {
        lost.fetch_add(1, Ordering::SeqCst);
        return;
    }
    let _ = client.write_all(&answer);
}

/// Reads one request with its body.
fn request(client: &mut TcpStream) -> Vec<u8> {
    let (mut read, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&read).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return read;
            }
        }
        match client.read(&mut piece) {
            Ok(count) if count > 0 => read.extend_from_slice(&piece[..count]),
            _ => return read,
        }
    }
}

/// Serves one answer to everybody; returns its URL.
pub(crate) fn answering(head: &str, body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let length = body.len();
    let answer = format!("{head}connection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            request(&mut client);
            let _ = client.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}
