//! Tests of outlines: whole texts, texts somebody is in the middle of writing, hostile ones.

use proptest::prelude::*;

use super::*;

fn check(text: &str) -> String {
    let line = |spot: &Spot| {
        let key = spot.key.clone().map_or("-", |key| &text[key]);
        let value = text[spot.value.clone()].replace('\n', "⏎");
        format!("{} {:?} {key} <{value}>\n", words(&spot.path).join("/"), spot.shape)
    };
    Outline::of(text).spots.iter().map(line).collect()
}

#[test]
fn every_value_has_its_path() {
    let text = "\
# comment
a: 1 # one
b:
  - id: x
    list: [p, 'q', {r: s, t: }]
  - y
  -
    z: \"{{a}}: #\"
c: |
  text: no key

  more
'd e': {f: {g: 1},
  h: 2}
i:
- j
- k: l
";
    insta::assert_snapshot!(check(text), @r#"
    a Plain a <1>
    b Open b <>
    b/* Open - <>
    b/*/id Plain id <x>
    b/*/list Flow list <[p, 'q', {r: s, t: }]>
    b/*/list/* Plain - <p>
    b/*/list/* Quoted - <'q'>
    b/*/list/* Flow - <{>
    b/*/list/*/r Plain r <s>
    b/*/list/*/t Open t <>
    b/* Plain - <y>
    b/* Open - <>
    b/*/z Quoted z <"{{a}}: #">
    c Block c <|⏎  text: no key⏎⏎  more>
    d e Flow 'd e' <{f: {g: 1},⏎  h: 2}>
    d e/f Flow f <{>
    d e/f/g Plain g <1>
    d e/h Plain h <2>
    i Open i <>
    i/* Plain - <j>
    i/* Open - <>
    i/*/k Plain k <l>
    "#);
}

#[test]
fn what_is_being_written_is_found_too() {
    let text = "metadata:\n  id: x\n  te\ncatalogItem: \nfields: {a: 1, b\ndependsOn: [a, \nx: \"open\ny: 'it''s'\n  \n";
    insta::assert_snapshot!(check(text), @r#"
    metadata Open metadata <>
    metadata/id Plain id <x>
    metadata Word - <te>
    catalogItem Open catalogItem <>
    fields Flow fields <{a: 1, b>
    fields/a Plain a <1>
    fields Word - <b>
    dependsOn Flow dependsOn <[a, >
    dependsOn/* Plain - <a>
    x Quoted x <"open>
    y Quoted y <'it''s'>
    "#);
}

#[test]
fn what_stands_at_an_offset_is_found() {
    let text = "a:\n  b: cd\n  e: [f, g]\n";
    let outline = Outline::of(text);
    let check = |needle: &str| {
        let (spot, part) = outline.at(text.find(needle).unwrap()).unwrap();
        format!("{} {part:?}", words(&spot.path).join("/"))
    };
    assert_eq!(check("b:"), "a/b Key");
    assert_eq!(check(": cd"), "a/b Key");
    assert_eq!(check("cd"), "a/b Value");
    assert_eq!(check("g]"), "a/e/* Value");
    assert_eq!(outline.at(text.len()), None);
    let path = [Step::Key("a".into()), Step::Key("b".into())];
    assert_eq!(outline.scalar(text, &path), Some("cd"));
}

#[test]
fn deep_and_long_texts_are_bounded() {
    for text in ["[".repeat(500_000), "- ".repeat(500_000), "{a: ".repeat(200_000)] {
        assert!(Outline::of(&text).spots.len() <= 2 * MAX_DEPTH + 2);
    }
    assert!(Outline::of(&"a\n".repeat(MAX_BYTES)).spots.is_empty());
    let spots = Outline::of(&format!("a: [{}]", "x,".repeat(100_000))).spots;
    assert_eq!(spots.len(), 100_001);
}

proptest! {
    #[test]
    fn no_text_breaks_it(text in "[a-b:\\-#\\[\\]{}'\"|> ,\r\nü\\\\]{0,60}") {
        for spot in Outline::of(&text).spots {
            prop_assert!(text.get(spot.value.clone()).is_some());
            prop_assert!(spot.key.is_none_or(|key| text.get(key).is_some()));
            prop_assert!(spot.shape != Shape::Quoted || !spot.value.is_empty());
        }
    }
}
