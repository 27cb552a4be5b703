//! Tests of what whoever scrapes is answered, over a real socket.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::ingress::Ingress;
use super::ingress_tests::served;
use crate::clock::Clock;
use crate::daemon::{Health, SystemClock};
use crate::engine::Metrics;
use crate::store::{Sealer, SqliteStore};

#[tokio::test]
async fn who_never_reads_its_metrics_holds_nothing_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Arc::new(SqliteStore::in_memory("tests").await.expect("a store"));
    let sealer = Sealer::key_at(&folder.path().join("key")).expect("a key");
    let ports = crate::action::testing::ports();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let metrics = Metrics::default();
    let ingress = Ingress { ports, store, sealer, clock };
    let address = served(Health::of(metrics.clone()), ingress).await;
    // Enough that it does not fit into what the system keeps for a socket.
    (0..20_000).for_each(|number| metrics.attempted(&format!("type-{number}"), Duration::ZERO));
    let mut deaf = Vec::new();
    for _ in 0..32 {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: t\r\n\r\n").await.expect("asked");
        deaf.push(stream);
    }
    metrics.ticked(Duration::from_millis(1));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = client.get(format!("http://{address}/metrics")).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    let kind = answer.headers()["content-type"].to_str().expect("a text").to_owned();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let text = answer.text().await.expect("a text");
    assert!(text.contains("\ntrueline_ticks_total 1\n") && text.ends_with("# EOF\n"));
}
