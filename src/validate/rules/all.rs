//! The list of all rules. It runs none of them.

use super::{
    action_config, action_depends_on, action_duplicate_id, action_duration, action_unreachable,
    component_config, component_depends_on, document, environment_defaults, environment_variable,
    fields, form, id_case_collision, id_duplicate, item_blast_radius, item_breaking_change,
    item_deprecated, item_outputs, item_version_lowered, item_version_not_raised, item_visibility,
    operation_state, output_not_shared, output_unused, owners, reference_cycle,
    reference_replacement, reference_unknown_bundle, reference_unknown_component,
    reference_unknown_environment, reference_unknown_item, reference_unknown_output,
    reference_unknown_service, reference_unknown_team, schema, service_state, settings_guard,
    settings_rule, source, suppression, team_quota, template_literal, template_syntax,
    template_unknown_variable, version_left_behind, version_requirement, window_cron,
    window_time_zone, yaml,
};
use crate::validate::registry::Rule;

/// Returns all rules.
pub(in crate::validate) fn all() -> impl Iterator<Item = &'static Rule> {
    let alone = [
        &action_config::RULE,
        &action_depends_on::RULE,
        &action_duplicate_id::RULE,
        &action_duration::RULE,
        &action_unreachable::RULE,
        &component_config::RULE,
        &component_depends_on::RULE,
        &environment_defaults::RULE,
        &environment_variable::RULE,
        &id_case_collision::RULE,
        &id_duplicate::RULE,
        &item_blast_radius::RULE,
        &item_breaking_change::RULE,
        &item_deprecated::RULE,
        &item_outputs::RULE,
        &item_version_lowered::RULE,
        &item_version_not_raised::RULE,
        &item_visibility::RULE,
        &operation_state::RULE,
        &output_not_shared::RULE,
        &output_unused::RULE,
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
        &team_quota::RULE,
        &template_literal::RULE,
        &template_syntax::RULE,
        &template_unknown_variable::RULE,
        &version_left_behind::RULE,
        &version_requirement::RULE,
        &window_cron::RULE,
        &window_time_zone::RULE,
    ];
    let together = [
        &document::RULES[..],
        &fields::RULES[..],
        &form::RULES[..],
        &owners::RULES[..],
        &schema::RULES[..],
        &source::RULES[..],
        &suppression::RULES[..],
        &yaml::RULES[..],
    ];
    alone.into_iter().chain(together.into_iter().flatten())
}
