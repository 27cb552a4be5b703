//! Where services and bundles read the outputs of others. It resolves nothing.

use super::texts::{each_text, escape};
use crate::catalog::{Bundle, Component, Service};
use crate::template::{lone_reference, references};

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

/// Returns what the fields of a service read from other services.
pub(super) fn own_reads(service: &Service) -> Vec<ServiceRead> {
    let reads = service.fields.iter().filter_map(|(field, value)| {
        let (service, output) = lone_reference(value.as_str()?)?;
        let pointer = format!("/fields/{}", escape(field));
        Some(ServiceRead { service, output, pointer: Some(pointer) })
    });
    reads.collect()
}

/// Returns what the components of a bundle read from services: service and output.
pub(super) fn bundle_reads(bundle: &Bundle) -> Vec<(String, String)> {
    let mut reads = Vec::new();
    for component in &bundle.components {
        each_read(component, &mut |path, _, _| {
            if let [root, service, outputs, output, ..] = path
                && root == "services"
                && outputs == "outputs"
            {
                reads.push((service.clone(), output.clone()));
            }
        });
    }
    reads
}

/// Calls back with every path that the `config` of a component reads, the JSON pointer from the config to the
/// text it stands in, and the byte it stands at.
pub(super) fn each_read(component: &Component, found: &mut dyn FnMut(&[String], &str, usize)) {
    for (key, value) in &component.config {
        let mut pointer = format!("/{}", escape(key));
        each_text(value, &mut pointer, &mut |text, pointer| {
            for reference in references(text) {
                found(&reference.path, pointer, reference.offset);
            }
        });
    }
}
