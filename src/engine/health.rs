//! Asks fulfilled units for their health, as their item says it. What is answered is shown, and never a reason to change
//! anything.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Map;

use super::call::marker_of;
use super::engine::Engine;
use crate::action::{self, Call, HEALTH_PATIENCE};
use crate::id::StepPath;
use crate::reconcile::{HEALTH, Inputs, Observation, StepSource, UnitRecord, render_public};
use crate::template::{has_sensitive, has_unknown};

/// Asks a unit for its health, where its item says how and it was not asked lately.
pub(super) async fn health_of(engine: &Engine, record: &UnitRecord) -> Option<Observation> {
    let applied = record.applied.as_ref()?;
    let question = applied.definition.health.as_ref()?;
    let unknown = |reason: String| Some(Observation::Unknown { reason });
    let inputs = Inputs { fields: applied.fields.clone(), ..applied.inputs.clone() };
    let source = StepSource {
        unit: &record.row.key,
        definition: &applied.definition,
        inputs: &inputs,
        record: Some(record),
    };
    let known = record.steps.iter().map(|(id, step)| (id.clone(), step.outputs.clone())).collect();
    let config = match render_public(&source, question, "health", &known, &Map::new()) {
        Ok(config) => config,
        Err(why) => return unknown(why),
    };
    let text = config.to_string();
    if has_unknown(&text) || has_sensitive(&text) {
        return unknown("`health` asks at an address that is not known, or holds a secret".into());
    }
    let marker = marker_of(&engine.catalog, record, &StepPath(HEALTH.to_owned()));
    let call = Call {
        key: marker.clone(),
        marker,
        attempt: 1,
        title: format!("{} health", record.row.key),
        service: record.row.key.service.clone(),
        config,
        outputs: BTreeMap::new(),
        previous: None,
        secrets: Vec::new(),
        correlation: applied.run.to_string(),
        timeout: HEALTH_PATIENCE,
        before: Vec::new(),
        arrived: None,
        forecast: None,
    };
    let asked = action::ask_health(&engine.ports, &call);
    match tokio::time::timeout(HEALTH_PATIENCE + Duration::from_secs(1), asked).await {
        Ok(Some(Ok(()))) => Some(Observation::Same),
        Ok(Some(Err(why))) => unknown(why),
        Ok(None) => None,
        Err(_) => unknown(format!("no answer within {} s", HEALTH_PATIENCE.as_secs())),
    }
}
