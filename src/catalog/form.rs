//! Forms: fields, when they are visible, and the JSON Schema that a form compiles to.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The form that requesters fill.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Form {
    /// Groups of fields, in the order in which they are shown.
    #[serde(default)]
    pub groups: Vec<Group>,
}

impl Form {
    /// Returns all fields in the order in which they are shown.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.groups.iter().flat_map(|group| group.fields.iter())
    }

    /// Returns a field by its id.
    pub fn field(&self, id: &str) -> Option<&Field> {
        self.fields().find(|field| field.id == id)
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
