//! JIRA's REST API, version 2, which Cloud and Data Center share: descriptions are text there. It keeps nothing.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::config::{Config, place_of};
use super::label;
use super::ticket::{Standing, Ticket};
use crate::action::rest_api::answer;
use crate::action::scrub::Scrub;
use crate::action::{Call, JiraEdition, JiraInstance, Owner, Ports, Request, Response};
use crate::run::Fault;
use crate::secret::Secret;

const PATIENCE: Duration = Duration::from_mins(1);

/// How many tickets of one step are looked at.
const MOST_TICKETS: usize = 50;

/// The API of one instance.
pub(super) struct Api<'a> {
    ports: &'a Ports,
    name: &'a str,
    instance: &'a JiraInstance,
    base: String,
    authorization: String,
    scrub: Scrub,
}

impl<'a> Api<'a> {
    /// Signs in to an instance of the operator's; its token is masked from now on.
    pub(super) async fn of(
        ports: &'a Ports,
        name: &'a str,
        scrub: &mut Scrub,
    ) -> Result<Self, Fault> {
        let instance = ports.operator.jira.get(name).ok_or_else(|| {
            Fault::terminal(format!(
                "there is no JIRA instance `{name}`; the operator names instances under `[jira.NAME]`"
            ))
        })?;
        let token = ports.secrets.find(Owner::Operator, &instance.token.secret).await?;
        let authorization = match (instance.edition, &instance.user) {
            (JiraEdition::Cloud, Some(user)) => {
                let pair = BASE64.encode(format!("{user}:{}", token.reveal()));
                scrub.add([Secret::new(pair.clone())]);
                format!("Basic {pair}")
            }
            (JiraEdition::Cloud, None) => {
                let why = format!("`[jira.{name}]` needs the `user` to whom its token belongs");
                return Err(Fault::terminal(why));
            }
            (JiraEdition::DataCenter, _) => format!("Bearer {}", token.reveal()),
        };
        scrub.add([token]);
        let base = instance.url.trim_end_matches('/').to_owned();
        Ok(Self { ports, name, instance, base, authorization, scrub: scrub.clone() })
    }

    /// Returns the operator's name of the instance.
    pub(super) fn name(&self) -> &str {
        self.name
    }

    /// Returns where people read a ticket.
    pub(super) fn url_of(&self, key: &str) -> String {
        format!("{}/browse/{key}", self.base)
    }

    /// Tells where a ticket stands.
    pub(super) fn standing(&self, ticket: &Ticket) -> Standing {
        ticket.standing(&self.instance.cancelled)
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response, Fault> {
        let mut headers = vec![
            ("authorization".to_owned(), self.authorization.clone()),
            ("accept".to_owned(), "application/json".to_owned()),
        ];
        if body.is_some() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let request = Request {
            method,
            url: format!("{}/rest/api/2/{path}", self.base),
            headers,
            body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
            timeout: PATIENCE,
        };
        self.ports.http.send(request).await
    }

    /// Returns the JSON of a success, or what its failure means.
    pub(super) fn read(&self, response: &Response, what: &str) -> Result<Value, Fault> {
        let what = format!("JIRA `{}`, {what},", self.name);
        if response.truncated && (200..300).contains(&response.status) {
            return Err(Fault::transient(format!(
                "{what} answered more than 1 MiB, which no JIRA does; see what answers at {}",
                self.base
            )));
        }
        if response.status == 400 {
            return Err(self.refusal(response, &what));
        }
        answer::judge(response, &answer::Statuses::success(), &what, &self.scrub)?;
        if response.body.is_empty() {
            return Ok(Value::Null);
        }
        answer::json_body(response).ok_or_else(|| {
            let excerpt = self.scrub.excerpt(&response.body);
            Fault::transient(format!("{what} answered something else than JSON: {excerpt}"))
        })
    }

    /// Says which part of the configuration JIRA does not take.
    fn refusal(&self, response: &Response, what: &str) -> Fault {
        let body = answer::json_body(response).unwrap_or_default();
        let fields = body.get("errors").and_then(Value::as_object).into_iter().flatten();
        let text =
            |value: &Value| self.scrub.excerpt(value.as_str().unwrap_or_default().as_bytes());
        let mut wrong: Vec<String> =
            fields.map(|(field, why)| format!("{}: {}", place_of(field), text(why))).collect();
        let general = body.get("errorMessages").and_then(Value::as_array);
        wrong.extend(general.into_iter().flatten().map(text));
        if wrong.is_empty() {
            wrong.push(self.scrub.excerpt(&response.body));
        }
        Fault::terminal(format!("{what} refuses this: {}", wrong.join("; ")))
    }

    /// Finds tickets by a label, the newest first.
    pub(super) async fn labelled(&self, project: &str, label: &str) -> Result<Vec<Ticket>, Fault> {
        let quoted =
            |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let jql = format!(
            "project = {} AND labels = {} ORDER BY created DESC",
            quoted(project),
            quoted(label)
        );
        let body = json!({
            "jql": jql,
            "fields": ["status", "resolution", "labels"],
            "maxResults": MOST_TICKETS,
        });
        let path = match self.instance.edition {
            JiraEdition::Cloud => "search/jql",
            JiraEdition::DataCenter => "search",
        };
        // A question that changes nothing, whatever its method: a lost answer may be asked for again.
        let response = self.send(Method::POST, path, Some(&body)).await.map_err(again)?;
        let told = self.read(&response, "asked for tickets")?;
        let issues = told.get("issues").and_then(Value::as_array).ok_or_else(|| {
            Fault::transient(format!("JIRA `{}` answered no list of tickets", self.name))
        })?;
        let read = |issue| {
            Ticket::read(issue).ok_or_else(|| {
                Fault::transient(format!("JIRA `{}` answered a ticket without a status", self.name))
            })
        };
        issues.iter().map(read).collect()
    }

    /// Reads a ticket; nothing where there is none by that key.
    pub(super) async fn ticket(&self, key: &str) -> Result<Option<Ticket>, Fault> {
        let path = format!("issue/{}?fields=status,resolution,labels", escaped(key));
        let response = self.send(Method::GET, &path, None).await?;
        if response.status == 404 {
            return Ok(None);
        }
        let told = self.read(&response, "asked for a ticket")?;
        let ticket = Ticket::read(&told).ok_or_else(|| {
            Fault::transient(format!("JIRA `{}` answered a ticket without a status", self.name))
        })?;
        Ok(Some(ticket))
    }

    /// Returns the fields of a ticket as the instance takes them.
    pub(super) async fn fields(
        &self,
        config: &Config,
        call: &Call,
    ) -> Result<Map<String, Value>, Fault> {
        let ticket = &config.ticket;
        let mut labels = ticket.labels.clone();
        labels.extend([label(&call.marker), label(&call.key)]);
        let mut fields = Map::from_iter([
            ("project".to_owned(), json!({"key": ticket.project})),
            ("issuetype".to_owned(), json!({"name": ticket.issue_type})),
            ("summary".to_owned(), json!(ticket.summary_template)),
            ("labels".to_owned(), json!(labels)),
        ]);
        if !ticket.description_template.is_empty() {
            fields.insert("description".to_owned(), json!(ticket.description_template));
        }
        if let Some(priority) = &ticket.priority {
            fields.insert("priority".to_owned(), json!({"name": priority}));
        }
        if !ticket.components.is_empty() {
            let names = ticket.components.iter().map(|name| json!({"name": name}));
            fields.insert("components".to_owned(), names.collect());
        }
        if let Some(assignee) = &ticket.assignee {
            let key = match self.instance.edition {
                JiraEdition::Cloud => "accountId",
                JiraEdition::DataCenter => "name",
            };
            fields.insert("assignee".to_owned(), json!({key: assignee}));
        }
        if let Some(epic) = &ticket.epic_key {
            let (field, value) = self.epic(epic).await?;
            fields.insert(field, value);
        }
        fields.extend(ticket.custom_fields.clone());
        Ok(fields)
    }

    /// Returns the field that names the epic: the parent in Cloud, a field of the agile plug-in in a Data Center.
    async fn epic(&self, key: &str) -> Result<(String, Value), Fault> {
        if self.instance.edition == JiraEdition::Cloud {
            return Ok(("parent".to_owned(), json!({"key": key})));
        }
        let response = self.send(Method::GET, "field", None).await?;
        let told = self.read(&response, "asked for its fields")?;
        let is_epic = |field: &&Value| {
            let custom = field.pointer("/schema/custom").and_then(Value::as_str);
            custom == Some("com.pyxis.greenhopper.jira:gh-epic-link")
        };
        let field = told.as_array().and_then(|fields| fields.iter().find(is_epic));
        let id = field.and_then(|field| field.get("id")?.as_str());
        let id = id.ok_or_else(|| {
            Fault::terminal(
                "`config/ticket/epicKey`: this JIRA has no field for the link to an epic",
            )
        })?;
        Ok((id.to_owned(), json!(key)))
    }

    /// Opens a ticket and returns its key. The fault is unknown where one may be there all the same.
    pub(super) async fn open(&self, fields: Map<String, Value>) -> Result<String, Fault> {
        let body = json!({"fields": fields});
        let response = self.send(Method::POST, "issue", Some(&body)).await?;
        let told = self.read(&response, "asked to open a ticket");
        let told = match response.status {
            // It may be there although the answer can't be read, or says that something broke.
            200..=299 | 500..=599 => told.map_err(lost)?,
            _ => told?,
        };
        let key = told.get("key").and_then(Value::as_str);
        let is_key = |key: &&str| !key.is_empty() && !key.contains(char::is_whitespace);
        let key = key.filter(is_key).map(str::to_owned);
        key.ok_or_else(|| Fault::unknown("JIRA opened a ticket and named no key"))
    }

    /// Makes an open ticket say what is wanted now, and answer to this call.
    pub(super) async fn take_up(
        &self,
        key: &str,
        mut fields: Map<String, Value>,
        label: &str,
    ) -> Result<(), Fault> {
        // What people may have changed for good reasons stays.
        fields.retain(|name, _| matches!(name.as_str(), "summary" | "description"));
        let body = json!({"fields": fields, "update": {"labels": [{"add": label}]}});
        let path = format!("issue/{}", escaped(key));
        let response = self.send(Method::PUT, &path, Some(&body)).await?;
        self.read(&response, "asked to change a ticket").map(drop)
    }

    /// Writes a comment, unless the ticket has it.
    pub(super) async fn comment_once(&self, key: &str, text: &str) -> Result<(), Fault> {
        let path = format!("issue/{}/comment", escaped(key));
        let response = self.send(Method::GET, &path, None).await?;
        let told = self.read(&response, "asked for comments")?;
        let comments = told.get("comments").and_then(Value::as_array).into_iter().flatten();
        let mut bodies = comments.filter_map(|comment| comment.get("body")?.as_str());
        if bodies.any(|body| body == text) {
            return Ok(());
        }
        let response = self.send(Method::POST, &path, Some(&json!({"body": text}))).await?;
        self.read(&response, "asked to comment").map(drop)
    }

    /// Moves a ticket to a cancelled status; false where no way leads there.
    pub(super) async fn cancel(&self, key: &str) -> Result<bool, Fault> {
        let path = format!("issue/{}/transitions", escaped(key));
        let response = self.send(Method::GET, &path, None).await?;
        let told = self.read(&response, "asked for transitions")?;
        let transitions = told.get("transitions").and_then(Value::as_array).into_iter().flatten();
        let cancels = |transition: &&Value| {
            let text = |pointer: &str| transition.pointer(pointer).and_then(Value::as_str);
            let ticket = Ticket {
                key: key.to_owned(),
                status: text("/to/name").unwrap_or_default().to_owned(),
                category: text("/to/statusCategory/key").unwrap_or_default().to_owned(),
                resolution: None,
                labels: Vec::new(),
            };
            self.standing(&ticket) == Standing::Cancelled
        };
        let mut ways = transitions.filter(cancels);
        let Some(id) = ways.find_map(|way| way.get("id")?.as_str()) else { return Ok(false) };
        let body = json!({"transition": {"id": id}});
        let response = self.send(Method::POST, &path, Some(&body)).await?;
        self.read(&response, "asked to close a ticket")?;
        Ok(true)
    }
}

pub(super) fn escaped(key: &str) -> String {
    percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A question may be asked again, whatever became of it.
pub(super) fn again(fault: Fault) -> Fault {
    let class = match fault.class {
        crate::run::FaultClass::Unknown => crate::run::FaultClass::Transient,
        class => class,
    };
    Fault { class, ..fault }
}

/// What may have been done is looked for before it is done again.
fn lost(fault: Fault) -> Fault {
    Fault { class: crate::run::FaultClass::Unknown, ..fault }
}
