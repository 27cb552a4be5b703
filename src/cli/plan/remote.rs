//! `trueline plan` and `diff` over the API of a server: the newest plan that it made.

use serde_json::Value;

use super::super::args::Format;
use super::super::output::Failure;
use super::super::server::{Server, segment};
use super::super::service::same_plan;
use super::{Context, Options, kept};

/// Shows it; tells whether nothing is to be done.
pub(super) async fn shown(
    context: &Context,
    server: &Server,
    options: &Options,
) -> Result<bool, Failure> {
    let (plan, path) = if let Some(service) = &options.service {
        let path = format!("/services/{}/plan", segment(service));
        let plan = server.get(&path).await?;
        let same = same_plan(&path, &plan);
        (plan, same)
    } else {
        let path = newest(server).await?;
        (server.get(&path).await?, path)
    };
    kept(options, &plan)?;
    let text = match context.format {
        Format::Text => server.text(&path).await?,
        Format::Json | Format::Yaml => String::new(),
    };
    context.show(&plan, || text)?;
    let changes = plan.get("changes").and_then(Value::as_array);
    Ok(changes.is_none_or(Vec::is_empty))
}

/// Names the newest plan.
async fn newest(server: &Server) -> Result<String, Failure> {
    let (plans, _): (Vec<Value>, _) = server.list("/plans", &[], 1).await?;
    let digest = plans.first().and_then(|plan| plan.get("digest")?.as_str());
    digest.map(|digest| format!("/plans/{}", segment(digest))).ok_or_else(|| {
        Failure::usage("the server has planned nothing yet").hint(
            "it plans within a minute of its start; its portal's Health tells why it does not",
        )
    })
}
