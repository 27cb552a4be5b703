//! `trueline approval` over the API of a server.

use serde::Deserialize;
use serde_json::json;

use super::{
    ApprovalLine, ApprovalWire, ApprovalsWire, Command, Context, Exit, Failure, Listed, fields_of,
    given, show_text, text,
};
use crate::catalog::Form;
use crate::cli::output::demand_reason;
use crate::cli::server::Server;
use crate::clock::Clock as _;
use crate::daemon::SystemClock;

/// One approval, as a server tells it.
#[derive(Debug, Deserialize)]
struct Told {
    #[serde(flatten)]
    line: ApprovalLine,
    #[serde(default)]
    form: Form,
}

impl Told {
    fn line(self) -> ApprovalLine {
        let fields = fields_of(&self.form, !self.line.granted.is_empty());
        ApprovalLine { fields, ..self.line }
    }
}

/// Runs it.
pub(super) async fn run(
    context: &Context,
    server: &Server,
    command: &Command,
) -> Result<Exit, Failure> {
    let now = SystemClock.now();
    match command {
        Command::List { all, limit } => {
            let state = [("state", (!all).then_some("open"))];
            let (items, more): (Vec<Told>, _) =
                server.list("/approvals", &state, limit.items()).await?;
            let approvals = Listed::page(items.into_iter().map(Told::line), more);
            let wire = ApprovalsWire { version: "trueline.approvals/v1", approvals };
            context.show(&wire, || text(&wire, now))?;
        }
        Command::Show { number } => {
            let told: Told = server.get(&format!("/approvals/{number}")).await?;
            let wire = ApprovalWire { version: "trueline.approval/v1", approval: told.line() };
            context.show(&wire, || show_text(&wire.approval, now))?;
        }
        Command::Grant { number, comment, fields } => {
            let told: Told = server.get(&format!("/approvals/{number}")).await?;
            let fields = given(&told.form, fields)?;
            let body = json!({"comment": comment, "fields": fields});
            let recorded = server.say(&format!("/approvals/{number}/grant"), &body).await?;
            context.remark(format!("granted approval {number}"));
            recorded.remark(context);
        }
        Command::Reject { number, reason } => {
            demand_reason(reason)?;
            let body = json!({"reason": reason});
            let recorded = server.say(&format!("/approvals/{number}/reject"), &body).await?;
            context.remark(format!("rejected approval {number}"));
            recorded.remark(context);
        }
    }
    Ok(Exit::Success)
}
