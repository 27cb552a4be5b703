//! Forms: fields, when they are visible, and the JSON Schema that a form compiles to.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::form_check::Checks;
use super::form_visibility::{Shown, shown};

/// The form that requesters fill.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Form {
    /// Groups of fields, in the order in which they are shown.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// What its fields compile to, remembered from the first check on: a form is not changed after that.
    #[serde(skip)]
    pub checks: Checks,
}

impl Form {
    /// Forgets what its fields compile to, where nobody will check soon.
    pub fn release(&self) {
        self.checks.release();
    }

    /// Returns all fields in the order in which they are shown.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.groups.iter().flat_map(|group| group.fields.iter())
    }

    /// Returns a field by its id.
    pub fn field(&self, id: &str) -> Option<&Field> {
        self.fields().find(|field| field.id == id)
    }

    /// Returns the ids of the fields that are visible, or may be while a value is not known yet.
    pub fn visible(&self, fields: &Map<String, Value>) -> BTreeSet<&str> {
        let shown = shown(self, fields, false);
        shown.into_iter().filter(|(_, shown)| *shown != Shown::No).map(|(id, _)| id).collect()
    }

    /// Returns the given values without those of hidden fields, and with the defaults of visible ones where none is given.
    pub fn with_defaults(&self, fields: &Map<String, Value>) -> Map<String, Value> {
        let visible = self.visible(fields);
        let mut resolved = fields.clone();
        for field in self.fields() {
            if !visible.contains(field.id.as_str()) {
                resolved.remove(&field.id);
            } else if let (Some(default), None) = (&field.default, fields.get(&field.id)) {
                resolved.insert(field.id.clone(), default.clone());
            }
        }
        resolved
    }
}

/// Fields that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Unique in the item.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// What it is about.
    #[serde(default)]
    pub description: Option<String>,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Unique in the item; addressed as `fields.<id>`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Must be given when visible.
    #[serde(default)]
    pub required: bool,
    /// Static value where none is given.
    #[serde(default)]
    pub default: Option<Value>,
    /// Help text.
    #[serde(default)]
    pub description: Option<String>,
    /// Example shown in an empty field.
    #[serde(default)]
    pub placeholder: Option<String>,
    /// Choices: texts, or objects of `value` and `label`.
    #[serde(default, rename = "enum")]
    pub choices: Vec<Value>,
    /// When it is visible.
    #[serde(default)]
    pub conditional: Option<Condition>,
    /// Limits, by type.
    #[serde(default)]
    pub validation: Option<Value>,
    /// A change means replace.
    #[serde(default)]
    pub immutable: bool,
}

impl Field {
    /// Returns the values that may be chosen, without their labels.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.choices.iter().map(|choice| choice.get("value").unwrap_or(choice))
    }

    /// Tells whether a value must be given while the field is visible.
    pub fn is_demanded(&self) -> bool {
        self.required && self.default.is_none()
    }

    /// Returns one of its limits.
    pub fn limit(&self, name: &str) -> Option<&Value> {
        self.validation.as_ref()?.get(name)
    }
}

/// Types of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// One line of text.
    String,
    /// Several lines of text.
    Textarea,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// One of several.
    Select,
    /// Some of several.
    Multiselect,
    /// A date.
    Date,
    /// A mail address.
    Email,
    /// A file beside the service: `{path, sha256}`.
    File,
    /// The name of a secret: `{secret: NAME}`.
    Password,
}

impl FieldType {
    /// Returns the word that documents use.
    pub fn word(self) -> &'static str {
        match self {
            FieldType::String => "string",
            FieldType::Textarea => "textarea",
            FieldType::Number => "number",
            FieldType::Boolean => "boolean",
            FieldType::Select => "select",
            FieldType::Multiselect => "multiselect",
            FieldType::Date => "date",
            FieldType::Email => "email",
            FieldType::File => "file",
            FieldType::Password => "password",
        }
    }

    /// Returns the names of the limits that mean something for it.
    pub fn limits(self) -> &'static [&'static str] {
        match self {
            FieldType::String | FieldType::Textarea => {
                &["pattern", "minLength", "maxLength", "message"]
            }
            FieldType::Number => &["min", "max", "step", "message"],
            FieldType::Multiselect => &["minItems", "maxItems", "message"],
            FieldType::Date => &["min", "max", "message"],
            FieldType::Email => &["pattern", "message"],
            FieldType::File => &["maxBytes", "mediaTypes", "message"],
            FieldType::Boolean | FieldType::Select | FieldType::Password => &[],
        }
    }
}

/// When a field is visible.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// Id of the field that decides.
    pub field: String,
    /// `eq ne gt gte lt lte in notIn contains`.
    pub operator: String,
    /// What it is compared with.
    #[serde(default)]
    pub value: Value,
}
