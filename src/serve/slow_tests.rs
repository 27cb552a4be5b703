//! Attacks over a real socket: heads and bodies that drip, bodies without end, floods of messages. Others are answered meanwhile.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::api::scene::Scene;
use super::ingress::Ingress;
use crate::daemon::{Health, SystemClock};
use crate::store::{Sealer, SqliteStore, Store as _};

/// A server of the scene on a free port.
async fn served(scene: &Scene) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(super::listen::listen(listener, (scene.router(), None), std::future::pending()));
    address
}

async fn connected(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("connected")
}

/// Reads until the other side closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut piece = [0; 4_096];
    // An end that is not orderly is one.
    while let Ok(read) = stream.read(&mut piece).await {
        if read == 0 {
            break;
        }
        all.extend_from_slice(piece.get(..read).unwrap_or_default());
    }
    String::from_utf8_lossy(&all).into_owned()
}

async fn is_answered(address: SocketAddr) {
    let mut stream = connected(address).await;
    let ask = b"GET /sign-in HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(ask).await.expect("sent");
    let said = rest(&mut stream).await;
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
}

/// Sends a byte now and then until the other side has enough of it.
async fn drips(stream: &mut TcpStream) {
    while stream.write_all(b"a").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn who_drips_a_head_is_cut_off_and_holds_nobody_up() {
    let scene = Scene::new().await;
    let address = served(&scene).await;
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut stream = connected(address).await;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.expect("sent");
        slow.push(stream);
    }
    is_answered(address).await;
    let mut last = slow.pop().expect("a connection");
    drips(&mut last).await;
    for mut stream in slow {
        let said = rest(&mut stream).await;
        assert!(!said.contains("HTTP/1.1 200"), "{said}");
    }
    is_answered(address).await;
}

#[tokio::test]
async fn who_drips_a_body_is_told_and_holds_nobody_up() {
    let scene = Scene::new().await;
    let address = served(&scene).await;
    let head = "POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\nuser=";
    let mut slow = connected(address).await;
    slow.write_all(head.as_bytes()).await.expect("sent");
    is_answered(address).await;
    let said = rest(&mut slow).await;
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    is_answered(address).await;
}

#[tokio::test]
async fn heads_and_bodies_without_end_are_refused() {
    let scene = Scene::new().await;
    let address = served(&scene).await;
    let mut stream = connected(address).await;
    let kind = "Content-Type: application/x-www-form-urlencoded";
    let head = format!(
        "POST /sign-in HTTP/1.1\r\nHost: x\r\n{kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x1_0000));
    let (mut reads, mut writes) = stream.into_split();
    let sends = tokio::spawn(async move {
        // Four times as much as is taken, then it is given up.
        for _ in 0..256 {
            if writes.write_all(chunk.as_bytes()).await.is_err() {
                return;
            }
        }
    });
    let mut piece = [0; 64];
    // Where it is cut off while more is on the way, the answer may be lost.
    let read = reads.read(&mut piece).await.unwrap_or_default();
    let said = String::from_utf8_lossy(piece.get(..read).unwrap_or_default()).into_owned();
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 413"), "{said}");
    drop(reads);
    sends.abort();
    let mut stream = connected(address).await;
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "a".repeat(100 << 10));
    let _ = stream.write_all(long.as_bytes()).await;
    let said = rest(&mut stream).await;
    assert!(!said.contains("200 OK"), "{said}");
    is_answered(address).await;
}

#[tokio::test]
async fn a_flood_of_messages_is_asked_to_come_again_and_holds_nobody_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Arc::new(SqliteStore::in_memory("tests").await.expect("a store"));
    let sealer = Sealer::key_at(&folder.path().join("key")).expect("a key");
    let (ports, clock) = (crate::action::testing::ports(), Arc::new(SystemClock));
    let ingress = Ingress { ports, store: store.clone(), sealer, clock };
    let address = super::ingress_tests::served(Health::default(), ingress).await;
    let head = "POST /api/v1/webhooks/github HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n";
    let mut slow = Vec::new();
    for _ in 0..64 {
        let mut stream = connected(address).await;
        stream.write_all(head.as_bytes()).await.expect("sent");
        slow.push(stream);
    }
    // As many as there is room for are being taken in: more are asked to come again, and other things are answered.
    let mut told = String::new();
    for _ in 0..500 {
        if told.starts_with("HTTP/1.1 503") {
            break;
        }
        let mut stream = connected(address).await;
        let ask = head.replace("1000", "0");
        stream.write_all(ask.as_bytes()).await.expect("sent");
        told = rest(&mut stream).await;
    }
    assert!(
        told.starts_with("HTTP/1.1 503") && told.to_lowercase().contains("retry-after"),
        "{told}"
    );
    is_answered(address).await;
    for mut stream in slow {
        let said = rest(&mut stream).await;
        assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    }
    assert_eq!(store.arrivals_after(0).await.expect("read"), []);
}
