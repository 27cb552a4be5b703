//! `trueline audit` over the API of a server. The chain is walked here, entry by entry: nothing that the server says of it is
//! believed.

use std::io::Write as _;

use super::{
    AuditWire, Command, Context, Exit, Failure, audit_verify, exported, filter, list_text, write,
};
use crate::cli::server::Server;
use crate::clock::Clock as _;
use crate::daemon::SystemClock;
use crate::store::AuditEntry;

/// How many entries are read at once.
const PIECE: usize = 200;

/// Runs it.
pub(super) async fn run(
    context: &Context,
    server: &Server,
    command: &Command,
) -> Result<Exit, Failure> {
    let options = match command {
        Command::List(options) => options,
        Command::Verify(options) => {
            return audit_verify::run(context, Some(server), options).await;
        }
        Command::Export { after } => return export(server, *after).await,
    };
    let filter = filter(options, SystemClock.now())?;
    let since = filter.since.map(|since| since.to_string());
    let before = filter.before.map(|before| before.to_string());
    let asked = [
        ("service", filter.service.as_deref()),
        ("actor", filter.actor.as_deref()),
        ("since", since.as_deref()),
        ("before", before.as_deref()),
    ];
    let (entries, more): (Vec<AuditEntry>, _) =
        server.list("/audit", &asked, options.limit.items()).await?;
    let next = entries.last().filter(|_| more).map(|entry| entry.seq);
    let wire = AuditWire { version: "trueline.audit/v1", entries, next };
    context.show(&wire, || list_text(&wire))?;
    Ok(Exit::Success)
}

/// Reads entries after a number, oldest first; none at the end of the chain.
pub(in crate::cli) async fn after(server: &Server, seq: i64) -> Result<Vec<AuditEntry>, Failure> {
    let seq = seq.to_string();
    Ok(server.list("/audit/chain", &[("after", Some(&seq))], PIECE).await?.0)
}

async fn export(server: &Server, mut seq: i64) -> Result<Exit, Failure> {
    let mut out = std::io::stdout();
    loop {
        let entries = after(server, seq).await?;
        let Some(last) = entries.last() else { return exported(out.flush()) };
        // Who answers the same again would be asked for ever.
        if last.seq <= seq {
            return Err(Failure::usage("the server's audit chain does not rise"));
        }
        seq = last.seq;
        if let Err(error) = write(entries, &mut out)? {
            return exported(Err(error));
        }
    }
}
