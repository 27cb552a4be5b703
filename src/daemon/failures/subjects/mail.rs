//! `notify` by mail, against a server that keeps every mail it took.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::super::failure::Failure;
use super::super::subject::{Between, Shared, Subject};
use super::super::wire::{Speech, Wire};
use crate::action::{Channel, Operator, SecretRef};

struct Mail {
    taken: Arc<Mutex<usize>>,
    wire: Wire,
    server: JoinHandle<()>,
}

impl Drop for Mail {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub(super) async fn made() -> Shared {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let taken = Arc::new(Mutex::new(0));
    let count = Arc::clone(&taken);
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let _ = serve(stream, &count).await;
            });
        }
    });
    Arc::new(Mail { taken, wire: Wire::to(address, Speech::Mail).await, server })
}

/// Speaks as much of RFC 5321 as a mail needs.
async fn serve(mut stream: TcpStream, taken: &Mutex<usize>) -> std::io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 mail.example.com ESMTP\r\n").await?;
    let mut in_data = false;
    while let Some(line) = lines.next_line().await? {
        let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let answer = match (in_data, verb.as_str()) {
            (true, ".") => {
                in_data = false;
                *taken.lock().unwrap() += 1;
                "250 taken\r\n"
            }
            (true, _) => continue,
            (false, "EHLO") => "250-mail.example.com\r\n250 AUTH PLAIN\r\n",
            (false, "AUTH") => "235 welcome\r\n",
            (false, "DATA") => {
                in_data = true;
                "354 go on\r\n"
            }
            (false, "QUIT") => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
        writer.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

#[async_trait]
impl Subject for Mail {
    fn document(&self) -> (Value, Value) {
        (json!({"channel": "ops", "subject": "Made", "message": "It is there."}), json!({}))
    }

    fn between(&self) -> Between<'_> {
        Between::Wire(&self.wire)
    }

    fn operator(&self) -> Operator {
        let channel = Channel::Smtp {
            url: format!("smtp://{}", self.wire.address()),
            user: Some("robot".to_owned()),
            password: Some(SecretRef { secret: "TOKEN".to_owned() }),
            from: "Trueline <trueline@example.com>".to_owned(),
            to: vec!["ops@example.com".to_owned()],
        };
        let channels = BTreeMap::from([("ops".to_owned(), channel)]);
        Operator { channels, ..Operator::default() }
    }

    fn is_effect(&self, _: &str) -> bool {
        true
    }

    fn effects(&self) -> Vec<usize> {
        vec![*self.taken.lock().unwrap()]
    }

    fn can(&self, failure: Failure) -> bool {
        failure != Failure::Redirect
    }
}
