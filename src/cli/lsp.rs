//! `trueline lsp`: a language server over the standard streams, for editors. It writes no file.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};

use clap::Args;

use super::context::Context;
use super::output::{Exit, Failure};
use server::Server;
use wire::Incoming;

mod complete;
mod complete_value;
mod cursor;
mod definition;
mod diagnostic;
mod folder;
mod hover;
mod outline;
mod outline_flow;
mod params;
mod reference;
mod scene;
mod server;
mod subject;
mod symbols;
mod template_names;
mod template_scope;
mod text;
mod wire;

/// What `lsp` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// Speaks over the standard streams, which it always does; editors like to say so.
    #[arg(long, hide = true)]
    pub stdio: bool,
}

/// After how many messages findings are told although more messages wait.
const MOST_AT_ONCE: usize = 256;

/// Serves until the client says `exit`: 0 after `shutdown`, 1 otherwise.
pub(super) fn run(context: &Context, _options: &Options) -> Result<Exit, Failure> {
    let (sender, receiver) = channel();
    // Reading never waits for an answer to be made, so that a client is never held up by us.
    std::thread::Builder::new()
        .name("lsp-input".to_owned())
        .spawn(move || read_all(&sender))
        .map_err(|error| Failure::failed(format!("no thread for the input: {error}")))?;
    let mut server = Server::new(std::io::stdout().lock(), context.catalog.clone().into());
    loop {
        let Ok(first) = receiver.recv() else { return Err(closed()) };
        if let Some(end) = drain(&mut server, &receiver, first)? {
            return end;
        }
        server.settle().map_err(|error| unheard(&error))?;
    }
}

/// Serves a conversation that is known already, message by message, until its end: for tests.
#[doc(hidden)]
pub fn converse(input: &mut impl BufRead, output: impl Write, catalog: PathBuf) {
    let mut server = Server::new(output, catalog);
    loop {
        match wire::read(input) {
            Incoming::End | Incoming::Broken(_) => return,
            Incoming::Call(call) if call.method == "exit" => return,
            incoming => {
                if server.take(incoming).and_then(|()| server.settle()).is_err() {
                    return;
                }
            }
        }
    }
}

/// Takes what waits, so that findings are worked out once for all of it; returns how the process ends.
fn drain<W: Write>(
    server: &mut Server<W>,
    receiver: &Receiver<Incoming>,
    first: Incoming,
) -> Result<Option<Result<Exit, Failure>>, Failure> {
    let mut next = Some(first);
    for _ in 0..MOST_AT_ONCE {
        match next {
            None => break,
            Some(Incoming::End) if server.is_shut_down() => return Ok(Some(Ok(Exit::Success))),
            Some(Incoming::End) => return Ok(Some(Err(closed()))),
            Some(Incoming::Broken(why)) => {
                let failure =
                    Failure::failed(format!("this is not the language server protocol: {why}"));
                return Ok(Some(Err(failure
                    .hint("`trueline lsp` is started by an editor; see docs/guide/editor.md"))));
            }
            Some(Incoming::Call(call)) if call.method == "exit" => {
                let exit = if server.is_shut_down() { Exit::Success } else { Exit::Findings };
                return Ok(Some(Ok(exit)));
            }
            Some(incoming) => server.take(incoming).map_err(|error| unheard(&error))?,
        }
        next = receiver.try_recv().ok();
    }
    Ok(None)
}

fn read_all(sender: &Sender<Incoming>) {
    let mut input = BufReader::new(std::io::stdin());
    loop {
        let incoming = wire::read(&mut input);
        let last = matches!(incoming, Incoming::End | Incoming::Broken(_));
        if sender.send(incoming).is_err() || last {
            return;
        }
    }
}

fn closed() -> Failure {
    Failure::failed("the editor closed the connection without saying `exit`")
}

fn unheard(error: &std::io::Error) -> Failure {
    Failure::failed(format!("the editor can't be written to: {error}"))
}
