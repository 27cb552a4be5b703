//! `trueline status` between machines: what a server is told of how everything stands, and what it is asked.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::{Context, Exit, Failure, Limit, in_words, told};
use crate::cli::args::Format;
use crate::cli::server::Server;
use crate::serve::Overview;
use crate::store::Store;

/// How many of each list a server tells at most.
const MOST: u32 = 200;

/// Tells a server how everything stands.
struct Teller {
    context: Context,
    store: Arc<dyn Store>,
}

/// Makes who tells a server how everything stands.
pub(in crate::cli) fn overview(context: &Context, store: Arc<dyn Store>) -> Arc<dyn Overview> {
    Arc::new(Teller { context: context.clone(), store })
}

#[async_trait]
impl Overview for Teller {
    async fn status(&self, limit: u32) -> Result<(Value, String), String> {
        let failed = |failure: Failure| failure.to_string();
        let wire = told(&self.context, &*self.store, Limit { limit }).await.map_err(failed)?;
        let text = in_words(&self.context, &wire);
        Ok((serde_json::to_value(&wire).map_err(|error| error.to_string())?, text))
    }
}

/// Asks a server how everything stands.
pub(super) async fn ask(context: &Context, server: &Server, limit: Limit) -> Result<Exit, Failure> {
    let path = format!("/status?limit={}", limit.limit.min(MOST));
    if limit.limit > MOST {
        context.remark(format!("a server tells at most {MOST} of each list"));
    }
    match context.format {
        Format::Text => context.say(server.text(&path).await?.trim_end_matches('\n')),
        Format::Json | Format::Yaml => {
            let wire: Value = server.get(&path).await?;
            context.show(&wire, String::new)?;
        }
    }
    Ok(Exit::Success)
}
