//! Where services and bundles read the outputs of others. It resolves nothing.

use serde_json::Value;

use super::context::Offer;
use super::texts::each_text;
use crate::catalog::{Component, Service};
use crate::template::{is_template, lone_reference, references};

/// One output of another service that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRead {
    /// Id of the service that is read.
    pub service: String,
    /// Name of its output.
    pub output: String,
    /// JSON pointer to the text that reads it, where that stands in the reading service's own document.
    pub pointer: Option<String>,
}

/// Returns what a service reads from others: by its own lone references, or through its bundle.
pub(super) fn services_read(service: &Service, offer: Option<Offer<'_>>) -> Vec<ServiceRead> {
    let own = service.fields.iter().filter_map(|(field, value)| {
        let (service, output) = lone_reference(value.as_str()?)?;
        Some(ServiceRead { service, output, pointer: Some(format!("/fields/{field}")) })
    });
    let mut reads: Vec<ServiceRead> = own.collect();
    if let Some(Offer::Bundle(bundle)) = offer {
        for component in &bundle.body.components {
            each_read(component, &mut |path, _, _| {
                if let [root, service, outputs, output, ..] = path
                    && root == "services"
                    && outputs == "outputs"
                {
                    let (service, output) = (service.clone(), output.clone());
                    reads.push(ServiceRead { service, output, pointer: None });
                }
            });
        }
    }
    reads
}

/// Calls back with every path that the `config` of a component reads, the JSON pointer from the config to the
/// text it stands in, and the byte it stands at.
pub(super) fn each_read(component: &Component, found: &mut dyn FnMut(&[String], &str, usize)) {
    for (key, value) in &component.config {
        let mut pointer = format!("/{key}");
        each_text(value, &mut pointer, &mut |text, pointer| {
            for reference in references(text) {
                found(&reference.path, pointer, reference.offset);
            }
        });
    }
}

/// Tells whether any text of a value is a template.
pub(super) fn has_template(value: &Value) -> bool {
    match value {
        Value::String(text) => is_template(text),
        Value::Array(items) => items.iter().any(has_template),
        Value::Object(map) => map.values().any(has_template),
        _ => false,
    }
}
