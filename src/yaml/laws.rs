//! What holds for every input: an answer, and that what we write can be read.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::prepass::{is_invisible, is_refused};
use super::scalar::resolve;
use super::tests::read;

fn json_value() -> impl Strategy<Value = Value> {
    let text = || {
        let chosen = prop_oneof![
            "[ -~é✓🦀\n\t]{0,12}",
            "[-0-9+._eExo~:#'\"{}\\[\\],&*!|>% ]{0,6}",
            "(no|on|yes|true|null|~|Null|---|\\.\\.\\.)",
            "\\PC{0,8}",
        ];
        // What yaml_serde writes without quotes and we want quoted is not what this is about.
        chosen.prop_filter("doubtful", |text| text != "<<" && resolve(text.clone()).is_ok())
    };
    let visible = |text: &String| {
        let fine = |each: char| !is_refused(each);
        text.chars().all(|each| fine(each) && !is_invisible(each))
    };
    let key =
        text().prop_filter("one visible line", move |key| visible(key) && !key.contains('\n'));
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(Value::from),
        text().prop_filter("visible", visible).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..12)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        read(bytes);
    }

    #[test]
    fn any_punctuation_is_answered(
        text in "([-?:,\\[\\]{}#&*!|>'\"%@` \n\ta1é~.\\\\\u{feff}]|- |: |\n  |\\{\\{|\\}\\}|\"\\\\u00|---\n){0,60}",
    ) {
        read(&text);
        read(format!("a:\n  b: {text}"));
    }

    #[test]
    fn what_serde_yaml_writes_is_read_back(value in json_value()) {
        let document = json!({ "value": value });
        let written = serde_yaml::to_string(&document).unwrap();
        let (tree, findings) = read(&written);
        prop_assert!(findings.is_empty(), "{written}\n{findings:?}");
        prop_assert_eq!(tree.unwrap().to_json(), document, "{}", written);
    }
}
