//! Tests of what is remembered: it is what was written, or nothing.

use super::*;

const SETTINGS: &str = "schemaVersion: catalog/v1\nkind: Catalog\n";
const ENVIRONMENT: &str =
    "schemaVersion: catalog/v1\nkind: Environment\nmetadata: {id: production, name: Production}\n";

fn service(id: &str, more: &str) -> String {
    format!(
        "schemaVersion: catalog/v1\nkind: Service\nmetadata: {{id: {id}, team: payments, formerIds: [{id}-old], environment: production}}\ncatalogItem: database-standard\nfields: {{size: small}}\n{more}"
    )
}

fn snapshot(service_of_b: &str) -> Snapshot {
    let files = [
        ("trueline.yaml", SETTINGS.to_owned()),
        ("README.md", "read me".to_owned()),
        ("environments/production.yaml", ENVIRONMENT.to_owned()),
        ("services/payments/shop-a.yaml", service("shop-a", "dependsOn: [shop-b, shop-c]\n")),
        ("services/payments/shop-b.yaml", service_of_b.to_owned()),
        ("services/payments/shop-c.yaml", service("shop-c", "")),
        ("services/payments/shop-d.yaml", service("shop-d", "")),
        ("services/payments/shop-e.yaml", service("shop-e", "")),
    ];
    Snapshot::of_files(files.map(|(path, text)| (path.to_owned(), text.into_bytes())))
}

fn whole() -> Snapshot {
    snapshot(&service("shop-b", ""))
}

fn documents(snapshot: &Snapshot) -> Vec<Document> {
    snapshot.files.iter().filter_map(|(path, blob)| read(path, blob)).collect()
}

fn written(wrong: &str) -> Vec<u8> {
    let (snapshot, waits) = (whole(), ["shop-b".to_owned(), "shop-c".to_owned()]);
    let documents = documents(&snapshot);
    let rows = documents.iter().map(|document| Right {
        document,
        is_right: document.id.as_deref() != Some(wrong),
        waits_for: if document.id.as_deref() == Some("shop-a") { &waits } else { &[] },
    });
    let mut bytes = Vec::new();
    let owners = Some(Digest::of_bytes(b"owners"));
    assert!(Memory::write("p", &snapshot, owners, rows, &mut bytes).unwrap());
    bytes
}

fn recalled(bytes: &[u8], snapshot: &Snapshot) -> Option<Recalled> {
    Memory::read("p", bytes.to_vec()).recall(snapshot, &Torn::default())
}

fn body(document: &Document) -> String {
    match &document.body {
        Some(Body::Service(service)) => format!("{:?}", &**service),
        other => format!("{other:?}"),
    }
}

#[test]
fn what_is_right_is_recalled_as_it_is() {
    let (snapshot, torn) = (whole(), Torn::default());
    let known = Memory::read("p", written("")).recall(&snapshot, &torn).unwrap();
    assert_eq!(known.owners, Some(Digest::of_bytes(b"owners")));
    assert_eq!(
        known.waiting,
        [("shop-a".to_owned(), vec!["shop-b".to_owned(), "shop-c".to_owned()])]
    );
    let paths: Vec<&str> = known.files.keys().map(|path| &**path).collect();
    assert_eq!(paths.len(), 7, "{paths:?}");
    for read in documents(&snapshot).iter().filter(|it| known.documents.contains_key(&it.path)) {
        let recalled = known.documents.get(&read.path).unwrap();
        if let Some(Body::Service(service)) = &recalled.body {
            assert!(!format!("{service:?}").contains("size"), "it is read before it is asked for");
            assert_eq!(service.fields.iter().count(), 1);
        }
        assert_eq!(
            (body(recalled), &recalled.id, &recalled.blob),
            (body(read), &read.id, &read.blob)
        );
    }
    let brief =
        known.documents.get("services/payments/shop-a.yaml").unwrap().brief.clone().unwrap();
    assert_eq!((&*brief.offer, brief.is_bundle), ("database-standard", false));
    assert_eq!(
        (brief.environment.as_deref(), &*brief.former_ids),
        (Some("production"), &["shop-a-old".to_owned()][..])
    );
    assert!(!torn.is_torn());
}

#[test]
fn what_was_wrong_has_changed_or_is_gone_is_known_by_name_alone() {
    let mut other = snapshot(&service("shop-b", "state: suspended\n"));
    other.files.remove("services/payments/shop-c.yaml");
    let known = recalled(&written("shop-a"), &other).unwrap();
    for id in ["shop-a", "shop-b", "shop-c"] {
        let path = format!("services/payments/{id}.yaml");
        let document = known.documents.get(path.as_str()).unwrap();
        assert_eq!((&*document.blob, document.id.as_deref()), ("", Some(id)));
        assert_eq!(&*known.files.get(path.as_str()).unwrap().id, "");
    }
    let kept = known.documents.get("environments/production.yaml").unwrap();
    assert_eq!(kept.blob, other.files.get("environments/production.yaml").unwrap().id);
}

#[test]
fn other_settings_or_mostly_other_files_are_nothing() {
    let mut other = whole();
    other
        .files
        .insert("trueline.yaml".into(), Blob { id: "x".into(), bytes: Content::from(Vec::new()) });
    assert!(recalled(&written(""), &other).is_none());
    assert!(recalled(&written(""), &Snapshot::default()).is_none());
    assert!(recalled(&written(""), &whole()).is_some());
}

#[test]
fn a_file_that_changes_under_our_hands_is_told() {
    let (mut torn_from, torn) = (whole(), Torn::default());
    let path = "services/payments/shop-b.yaml";
    let blob =
        Blob { bytes: Content::from(b"no: service".as_slice()), ..torn_from.files[path].clone() };
    torn_from.files.insert(path.into(), blob);
    let known = Memory::read("p", written("")).recall(&torn_from, &torn).unwrap();
    assert!(!torn.is_torn());
    let Some(Body::Service(service)) = &known.documents[path].body else { panic!() };
    assert_eq!((service.offer(), torn.is_torn()), ("", true));
}

#[test]
fn what_is_foreign_cut_off_or_changed_is_nothing() {
    let (written, snapshot) = (written(""), whole());
    assert!(Memory::read("q", written.clone()).recall(&snapshot, &Torn::default()).is_none());
    for length in 0..written.len() {
        assert!(recalled(&written[..length], &snapshot).is_none(), "{length}");
    }
    for at in 0..written.len() {
        let mut changed = written.clone();
        changed[at] ^= 1;
        assert!(recalled(&changed, &snapshot).is_none(), "{at}");
    }
}

#[test]
fn what_cannot_be_written_is_told() {
    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (snapshot, whole) = (whole(), written("").len());
    let documents = documents(&snapshot);
    let rows = || {
        let rows = documents.iter().filter(|document| document.kind != Some(Kind::Settings));
        rows.map(|document| Right { document, is_right: true, waits_for: &[] })
    };
    for room in 0..whole / 2 {
        assert!(Memory::write("p", &snapshot, None, rows(), &mut Full(room)).is_err(), "{room}");
    }
    assert!(Memory::write("p", &snapshot, None, rows(), &mut Full(2 * whole)).unwrap());
}

#[test]
fn what_could_not_be_told_apart_is_not_written() {
    let snapshot = whole();
    let documents = documents(&snapshot);
    let a = documents.iter().find(|document| document.id.as_deref() == Some("shop-a")).unwrap();
    for waits in ["b c", "", "b\0c"] {
        let waits = [waits.to_owned()];
        let row = Right { document: a, is_right: true, waits_for: &waits };
        let mut bytes = Vec::new();
        assert!(!Memory::write("p", &snapshot, None, [row], &mut bytes).unwrap(), "{waits:?}");
    }
}
