//! `trueline request submit` over the API of a server: fields are read by the form that it offers, and it checks and files the rest.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::follow::exit_of;
use super::remote::wait;
use super::submit::{
    DryWire, Options, PREVIEW, WrongWire, dry_text, follow_remark, misfit, show_misfit,
    show_submitted,
};
use super::{Context, Exit, Failure, RequestLine, standing_text};
use crate::catalog::Form;
use crate::cli::server::{Server, refused, segment};
use crate::cli::table::{block, cell};
use crate::engine::request::{Wrong, typed};
use crate::finding::{Finding, Place, Severity};
use crate::store::{RequestKind, RequestState};

#[derive(Debug, Deserialize)]
struct Submitted {
    items: Vec<RequestLine>,
}

#[derive(Debug, Deserialize)]
struct Preview {
    kind: RequestKind,
    service: String,
    path: String,
    content: Option<String>,
    diff: String,
    findings: Vec<Remark>,
    plan: Value,
}

#[derive(Debug, Deserialize)]
struct Remark {
    rule: String,
    severity: Severity,
    path: String,
    line: u32,
    column: u32,
    message: String,
    hint: Option<String>,
}

impl Remark {
    fn finding(self) -> Finding {
        let place =
            Place { path: self.path.into(), line: self.line, column: self.column, length: 0 };
        Finding {
            severity: self.severity,
            hint: self.hint,
            ..Finding::error(&self.rule, place, self.message)
        }
    }
}

/// Asks for it.
pub(super) async fn run(
    context: &Context,
    server: &Server,
    options: &Options,
) -> Result<Exit, Failure> {
    let body = match asked(server, options).await? {
        Ok(body) => body,
        Err(wrong) => return misfit(context, wrong),
    };
    let path = if options.dry_run { "/requests/preview" } else { "/requests" };
    let answer = server.posted(path, &body).await?;
    if answer.status == 422 {
        let wrong = refused(&answer).errors.into_iter().map(|one| WrongWire {
            pointer: one.pointer.unwrap_or_default(),
            message: one.detail,
            hint: None,
            place: None,
        });
        let wrong: Vec<WrongWire> = wrong.collect();
        if !wrong.is_empty() {
            let line = |one: &WrongWire| {
                block("", &format!("  - {}: {}", cell(&one.pointer), cell(&one.message)))
            };
            let lines: Vec<String> =
                wrong.iter().map(|one| line(one).trim_end().to_owned()).collect();
            return show_misfit(context, &lines, wrong);
        }
    }
    if options.dry_run {
        return dry(context, server.read(&answer)?);
    }
    let submitted: Submitted = server.read(&answer)?;
    let Some(mut line) = submitted.items.into_iter().next() else {
        return Err(Failure::usage("the server took nothing down"));
    };
    // What was just taken down is not proposed yet.
    let known = line.state != RequestState::Submitted;
    if options.wait {
        context.remark(standing_text(&line));
        line = wait(context, server, line, options.timeout).await?;
    }
    show_submitted(context, (known, &line))?;
    if options.wait {
        return Ok(exit_of(line.state));
    }
    follow_remark(context, &line);
    Ok(Exit::Success)
}

/// Writes what is asked for as the API takes it; what a field can't be read as is told as it is here.
async fn asked(server: &Server, options: &Options) -> Result<Result<Value, Vec<Wrong>>, Failure> {
    let mut fields = Map::new();
    if !options.field.is_empty() {
        let offer = offer(server, options).await?;
        let form: Form = server.get(&format!("/catalog/items/{}/form", segment(&offer))).await?;
        match typed(&form, &options.field) {
            Ok(typed) => fields = typed,
            Err(wrong) => return Ok(Err(wrong)),
        }
    }
    for name in &options.unset {
        if fields.insert(name.clone(), Value::Null).is_some() {
            let pointer = format!("/fields/{name}");
            return Ok(Err(vec![Wrong::at(&pointer, "it is given and taken away at once")]));
        }
    }
    let mut body = Map::new();
    body.insert("fields".to_owned(), Value::Object(fields));
    body.insert("delete".to_owned(), json!(options.delete));
    body.insert("reason".to_owned(), json!(options.reason));
    let texts = [
        ("item", &options.item),
        ("service", &options.service),
        ("id", &options.id),
        ("team", &options.team),
        ("environment", &options.environment),
        ("description", &options.description),
        ("state", &options.to),
        ("expires", &options.expires),
    ];
    for (name, text) in texts {
        body.extend(text.iter().map(|text| (name.to_owned(), json!(text))));
    }
    if !options.depends_on.is_empty() {
        body.insert("dependsOn".to_owned(), json!(options.depends_on));
    }
    Ok(Ok(Value::Object(body)))
}

/// Names the item or bundle whose form is filled in.
async fn offer(server: &Server, options: &Options) -> Result<String, Failure> {
    if let Some(item) = &options.item {
        return Ok(item.clone());
    }
    let id = options.service.as_deref().unwrap_or_default();
    let service: Value = server.get(&format!("/services/{}", segment(id))).await?;
    let offer = service.get("offer").and_then(Value::as_str).map(str::to_owned);
    offer.ok_or_else(|| Failure::usage(format!("the catalog has no file of {} any more", cell(id))))
}

fn dry(context: &Context, preview: Preview) -> Result<Exit, Failure> {
    let summary = preview.plan.get("summary").and_then(|summary| summary.get("text")?.as_str());
    let summary = summary.map(|text| cell(text) + "\n").unwrap_or_default();
    let wire = DryWire {
        version: PREVIEW,
        fits: true,
        kind: preview.kind,
        service: preview.service,
        path: preview.path,
        content: preview.content,
        diff: preview.diff,
        remarks: preview.findings.into_iter().map(Remark::finding).collect(),
        plan: preview.plan,
    };
    context.show(&wire, || dry_text(&wire, &summary))?;
    Ok(Exit::Success)
}
