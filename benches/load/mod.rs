//! Asks over HTTP/1.1 from many connections that stay open, and tells how long answers took. It reads no more of an answer than
//! its status and its length.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};

/// After how long an answer counts as none.
const PATIENCE: Duration = Duration::from_secs(10);

/// One request as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// Which kind it is counted under.
    pub(crate) kind: &'static str,
    bytes: Vec<u8>,
}

/// Makes requests as somebody who has a token.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asker {
    pub(crate) token: String,
}

impl Asker {
    pub(crate) fn get(&self, kind: &'static str, path: &str) -> Question {
        self.question(kind, ("GET", path), None)
    }

    pub(crate) fn post(&self, kind: &'static str, path: &str, body: &str) -> Question {
        self.question(kind, ("POST", path), Some(body))
    }

    fn question(
        &self,
        kind: &'static str,
        (method, path): (&str, &str),
        body: Option<&str>,
    ) -> Question {
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: bench\r\n");
        if !self.token.is_empty() {
            text = format!("{text}Authorization: Bearer {}\r\n", self.token);
        }
        if let Some(body) = body {
            let length = body.len();
            text = format!("{text}Content-Type: application/json\r\nContent-Length: {length}\r\n");
        }
        let bytes = format!("{text}\r\n{}", body.unwrap_or_default()).into_bytes();
        Question { kind, bytes }
    }
}

/// A connection that stays open.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) async fn to(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::with_capacity(32 << 10, stream)))
    }

    /// Asks once; returns status and body.
    pub(crate) async fn ask(&mut self, question: &Question) -> Result<(u16, Vec<u8>)> {
        self.0.get_mut().write_all(&question.bytes).await?;
        let head = self.head().await?;
        let status = head.split(' ').nth(1).context("a status")?.parse()?;
        let header = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(": "));
            let mut values = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
            values.next().map(|(_, value)| value.trim())
        };
        if let Some(length) = header("content-length") {
            let mut body = vec![0; length.parse()?];
            self.0.read_exact(&mut body).await?;
            return Ok((status, body));
        }
        if header("transfer-encoding").is_none() {
            return Ok((status, Vec::new()));
        }
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(self.line().await?.trim(), 16)?;
            let mut chunk = vec![0; size + 2];
            self.0.read_exact(&mut chunk).await?;
            if size == 0 {
                return Ok((status, body));
            }
            body.extend_from_slice(chunk.get(..size).unwrap_or_default());
        }
    }

    async fn head(&mut self) -> Result<String> {
        let mut head = String::new();
        loop {
            let line = self.line().await?;
            if line == "\r\n" {
                return Ok(head);
            }
            head.push_str(&line);
        }
    }

    async fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = tokio::io::AsyncBufReadExt::read_line(&mut self.0, &mut line).await?;
        if read == 0 {
            bail!("the connection was closed");
        }
        Ok(line)
    }
}

/// How many ask, how often each, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) connections: usize,
    /// Between two questions on one connection; none where the next follows the answer at once.
    pub(crate) every: Option<Duration>,
    pub(crate) lasting: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// By kind, how long each took.
    pub(crate) taken: Vec<(&'static str, Duration)>,
    /// Answers that were not as they should be, and the first of them.
    pub(crate) errors: usize,
    pub(crate) first_error: Option<String>,
    pub(crate) lasted: Duration,
}

impl Answers {
    fn add(&mut self, other: Self) {
        self.taken.extend(other.taken);
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
    }

    /// Returns how long those of some kinds took, in order.
    pub(crate) fn of(&self, kinds: &[&str]) -> Vec<Duration> {
        let of = self.taken.iter().filter(|(kind, _)| kinds.is_empty() || kinds.contains(kind));
        let mut taken: Vec<Duration> = of.map(|(_, taken)| *taken).collect();
        taken.sort_unstable();
        taken
    }

    #[expect(clippy::cast_precision_loss, reason = "some hundred thousand")]
    pub(crate) fn a_second(&self) -> f64 {
        self.taken.len() as f64 / self.lasted.as_secs_f64()
    }
}

/// Returns what so many of a thousand are at most.
pub(crate) fn at_most(sorted: &[Duration], of_thousand: usize) -> Duration {
    let place = (sorted.len() * of_thousand).div_ceil(1000).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}

/// Asks from many connections. One that is late because the answer before was late counts from when it was due.
pub(crate) async fn load(
    address: SocketAddr,
    questions: &Arc<Vec<Question>>,
    pace: Pace,
) -> Result<Answers> {
    let mut open = Vec::new();
    for number in 0..pace.connections {
        let connection = Connection::to(address).await.context("connecting")?;
        open.push((number, connection));
    }
    let began = Instant::now() + Duration::from_millis(100);
    let end = began + pace.lasting;
    let all: Vec<_> = open
        .into_iter()
        .map(|(number, connection)| {
            let questions = questions.clone();
            tokio::spawn(one(connection, questions, (number, pace), (began, end, address)))
        })
        .collect();
    let mut answers = Answers::default();
    for one in all {
        answers.add(one.await?);
    }
    answers.lasted = pace.lasting;
    Ok(answers)
}

async fn one(
    mut connection: Connection,
    questions: Arc<Vec<Question>>,
    (number, pace): (usize, Pace),
    (began, end, address): (Instant, Instant, SocketAddr),
) -> Answers {
    let mut answers = Answers::default();
    let share = u32::try_from(pace.connections).unwrap_or(1);
    let offset = pace.every.unwrap_or_default() * u32::try_from(number).unwrap_or(0) / share;
    let mut due = began + offset;
    // Each begins elsewhere, and goes on by a step that has no factor in common with most lengths.
    let mut place = number.wrapping_mul(7_919);
    while due < end && Instant::now() < end + PATIENCE {
        if Instant::now() < due {
            sleep_until(due.into()).await;
            due = Instant::now();
        }
        place = place.wrapping_add(104_729);
        let Some(question) = questions.get(place % questions.len()) else { break };
        let answer = timeout(PATIENCE, connection.ask(question)).await;
        let wrong = match answer {
            Ok(Ok((200 | 202, _))) => {
                answers.taken.push((question.kind, due.elapsed()));
                None
            }
            Ok(Ok((status, body))) => {
                Some(format!("{}: {status} {}", question.kind, String::from_utf8_lossy(&body)))
            }
            Ok(Err(error)) => Some(format!("{}: {error:#}", question.kind)),
            Err(_) => Some(format!("{}: no answer", question.kind)),
        };
        if let Some(wrong) = wrong {
            answers.errors += 1;
            answers.first_error.get_or_insert(wrong);
            match Connection::to(address).await {
                Ok(anew) => connection = anew,
                Err(_) => break,
            }
        }
        due = match pace.every {
            Some(every) => due + every,
            None => Instant::now(),
        };
    }
    if due < end {
        answers.errors += 1;
        answers.first_error.get_or_insert("what was due was not asked in time".to_owned());
    }
    answers
}
