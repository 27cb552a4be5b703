//! The rules, one file each; rows that one check finds together stand together by their group.

mod action_config;
mod action_depends_on;
mod action_duplicate_id;
mod action_duration;
mod component_config;
mod component_depends_on;
mod document;
mod environment_defaults;
mod environment_variable;
mod fields;
mod form;
mod id_case_collision;
mod id_duplicate;
mod item_outputs;
mod operation_state;
mod output_not_shared;
mod reference_cycle;
mod reference_replacement;
mod reference_unknown_bundle;
mod reference_unknown_component;
mod reference_unknown_environment;
mod reference_unknown_item;
mod reference_unknown_output;
mod reference_unknown_service;
mod reference_unknown_team;
mod schema;
mod service_state;
mod settings_guard;
mod settings_rule;
mod source;
mod suppression;
mod template_literal;
mod template_syntax;
mod template_unknown_variable;
mod version_requirement;
mod window_cron;
mod window_time_zone;
mod yaml;

use super::registry::Rule;

/// Returns all rules.
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    let alone = [
        &action_config::RULE,
        &action_depends_on::RULE,
        &action_duplicate_id::RULE,
        &action_duration::RULE,
        &component_config::RULE,
        &component_depends_on::RULE,
        &environment_defaults::RULE,
        &environment_variable::RULE,
        &id_case_collision::RULE,
        &id_duplicate::RULE,
        &item_outputs::RULE,
        &operation_state::RULE,
        &output_not_shared::RULE,
        &reference_cycle::RULE,
        &reference_replacement::RULE,
        &reference_unknown_bundle::RULE,
        &reference_unknown_component::RULE,
        &reference_unknown_environment::RULE,
        &reference_unknown_item::RULE,
        &reference_unknown_output::RULE,
        &reference_unknown_service::RULE,
        &reference_unknown_team::RULE,
        &service_state::RULE,
        &settings_guard::RULE,
        &settings_rule::RULE,
        &template_literal::RULE,
        &template_syntax::RULE,
        &template_unknown_variable::RULE,
        &version_requirement::RULE,
        &window_cron::RULE,
        &window_time_zone::RULE,
    ];
    let together = [
        &document::RULES[..],
        &fields::RULES[..],
        &form::RULES[..],
        &schema::RULES[..],
        &source::RULES[..],
        &suppression::RULES[..],
        &yaml::RULES[..],
    ];
    alone.into_iter().chain(together.into_iter().flatten())
}
