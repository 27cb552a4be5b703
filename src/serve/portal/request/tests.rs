//! Tests of asking: from the form over the review to the request; what is wrong is told beside its field; nobody asks for what is
//! another team's, nor for more than the form asks.

use serde_json::json;

use crate::serve::api::scene::{Said, Scene};
use crate::serve::portal::browser::{Browser, whole};
use crate::store::{ServiceRequest, ServiceRequestStore as _};

const WIDE: &str = "schemaVersion: catalog/v1\nkind: CatalogItem\nmetadata:\n  id: wide\n  name: A wide form\n  \
description: What the tests ask for, with a field of each type that there is.\n  version: 1.0.0\n  category: tests\n  owner: {team: platform, contact: platform@example.com}\n  \
cost: {currency: EUR, monthly: 10, perUnit: {count: 2.5}}\n\
presentation:\n  form:\n    groups:\n      - id: main\n        name: Main\n        fields:\n          \
- {id: size, name: Size, type: select, enum: [{value: s, label: Small}, {value: l, label: Large}], required: true}\n          \
- {id: count, name: Count, type: number, default: 1, validation: {min: 1, max: 9, step: 1}}\n          \
- {id: spare, name: Spare, type: string, conditional: {field: size, operator: eq, value: l}, required: true}\n          \
- {id: notes, name: Notes, type: textarea}\n          \
- {id: pin, name: Pin, type: password, required: true}\n          \
- {id: rootCert, name: Certificate, type: file, validation: {maxBytes: 100, mediaTypes: [text/plain]}}\n\
fulfillment:\n  strategy: {mode: manual}\n  manual:\n    actions:\n      \
- {id: by-hand, type: manual-task, config: {title: Do it, instructions: By hand}}\n";

const FORM: &str = "/catalog/items/wide/request";

const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";

async fn scene() -> Scene {
    let scene = Scene::new().await;
    scene.holds(&[("catalog/tests/wide.yaml", WIDE)]);
    scene.commits();
    scene
}

async fn asked(scene: &Scene) -> Vec<ServiceRequest> {
    scene.store.open_service_requests().await.expect("read")
}

/// The fields of a form that fits, and more.
fn with<'f>(more: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let right =
        [("team", "payments"), ("id", "pay-wide"), ("field.size", "s"), ("field.pin", "PIN")];
    let given = |name: &str| more.iter().any(|(own, _)| *own == name);
    let mut all: Vec<_> = right.into_iter().filter(|(name, _)| !given(name)).collect();
    all.extend_from_slice(more);
    all
}

async fn sends(browser: &Browser<'_>, page: &str, fields: &[(&str, &str)]) -> Said {
    let said = browser.send(page, page, fields).await;
    if said.status != 303 {
        whole(page, &said);
    }
    said
}

#[tokio::test]
async fn a_service_is_asked_for_from_the_form_to_the_request() {
    let scene = scene().await;
    let ada = Browser::of(&scene, "ada", "requester", &[]).await;
    assert!(ada.page("/catalog/items/wide").await.contains("href=\"/catalog/items/wide/request\""));
    let form = ada.page(FORM).await;
    assert!(
        form.contains("Only where Size is Large.") && form.contains("Where nothing is given: 1.")
    );
    assert!(
        form.contains("<option value=\"payments\"") && !form.contains("value=\"search\""),
        "{form}"
    );
    let fields = with(&[("field.count", "4"), ("field.notes", "a\nb")]);
    let review = sends(&ada, FORM, &fields).await;
    assert_eq!(review.status, 200, "{}", review.text);
    for shown in [
        "services/payments/pay-wide.yaml",
        "20.00 EUR",
        "size: s",
        "Submit the request",
        "name=\"field.count\" value=\"4\"",
    ] {
        assert!(review.text.contains(shown), "{shown}: {}", review.text);
    }
    assert_eq!(asked(&scene).await.len(), 0, "nothing is asked for before it was reviewed");
    let back = sends(&ada, FORM, &with(&[("do", "edit"), ("field.count", "4")])).await;
    assert!(
        back.text.contains("value=\"4\"") && back.text.contains("value=\"PIN\""),
        "{}",
        back.text
    );
    let mut last = fields.clone();
    last.extend([("do", "submit"), ("reason", "The shop opens")]);
    let sent = sends(&ada, FORM, &last).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    let all = asked(&scene).await;
    let content = all[0].content.as_deref().expect("a file");
    for held in ["size: s", "count: 4", "pin: {secret: PIN}", "notes:"] {
        assert!(content.contains(held) || content.contains("secret: PIN"), "{held}: {content}");
    }
    assert!(!content.contains("spare") && !content.contains("rootCert"), "{content}");
    assert_eq!((all[0].by.as_str(), all[0].reason.as_str()), ("ada", "The shop opens"));
    let place = sent.headers["location"].to_str().expect("text");
    assert_eq!(place, format!("/requests/{}?done=asked", all[0].id));
    let page = ada.page(place).await;
    assert!(page.contains("It was asked for.") && page.contains("data-polls"), "{page}");
    assert!(ada.page("/requests?mine=true&state=submitted").await.contains(&all[0].id));
    assert!(ada.page("/requests?team=search").await.contains("No request is like that."));
    // It is called off by whoever asked.
    let path = format!("/requests/{}/abort", all[0].id);
    let said = sends(&ada, &path, &[("reason", "no more")]).await;
    assert_eq!(said.status, 303, "{}", said.text);
    assert!(asked(&scene).await[0].progress.aborted.is_some());
}

#[tokio::test]
async fn what_is_wrong_is_told_beside_its_field_and_above_with_a_link() {
    let scene = scene().await;
    let ada = Browser::of(&scene, "ada", "requester", &[]).await;
    let fields = with(&[("field.size", "l"), ("field.count", "40"), ("field.pin", "hunter22")]);
    for button in ["review", "check", "submit"] {
        let mut fields = fields.clone();
        fields.push(("do", button));
        let said = sends(&ada, FORM, &fields).await;
        assert_eq!(said.status, 422, "{}", said.text);
        for told in [
            "href=\"#field-count\"",
            "href=\"#field-pin\"",
            "id=\"field-count-about\"",
            "aria-invalid",
        ] {
            assert!(said.text.contains(told), "{button} {told}: {}", said.text);
        }
        assert!(said.text.contains("value=\"40\""), "what was filled in stays: {}", said.text);
    }
    let fits = sends(&ada, FORM, &with(&[("do", "check")])).await;
    assert!(fits.status == 200 && fits.text.contains("data-fits"), "{}", fits.text);
    let taken = sends(&ada, FORM, &with(&[("id", "shop-db")])).await;
    assert!(
        taken.text.contains("href=\"#id\"") && taken.text.contains("is taken"),
        "{}",
        taken.text
    );
    let long = "x".repeat(7_000);
    let said = sends(&ada, FORM, &with(&[("do", "draft"), ("field.notes", &long)])).await;
    assert!(
        said.status == 422 && said.text.contains("too much to be kept in a link"),
        "{}",
        said.text
    );
    assert_eq!(asked(&scene).await.len(), 0);
}

#[tokio::test]
async fn a_link_fills_the_form_in_and_a_draft_is_one() {
    let scene = scene().await;
    scene.holds(&[(
        "services/payments/pay-old.yaml",
        "schemaVersion: catalog/v1\nkind: Service\nmetadata: {id: pay-old, team: payments}\ncatalogItem: wide\nfields: {size: l, spare: seven, pin: {secret: OLD_PIN}}\n",
    )]);
    let ada = Browser::of(&scene, "ada", "requester", &[]).await;
    let page = ada
        .page(&format!(
            "{FORM}?field.size=l&field.count=3&field.pin=KEY&field.odd=1&id=mine&delete=1"
        ))
        .await;
    assert!(
        page.contains("value=\"l\" checked")
            && page.contains("value=\"3\"")
            && page.contains("value=\"mine\"")
    );
    assert!(
        page.contains("which is never taken from a link") && page.contains("The link gives “odd”"),
        "{page}"
    );
    assert!(!page.contains("value=\"KEY\""), "{page}");
    assert!(page.contains("<option value=\"OLD_PIN\">"), "names can be picked: {page}");
    let said = sends(&ada, FORM, &with(&[("do", "draft"), ("field.notes", "a & b")])).await;
    let draft = said.headers["location"].to_str().expect("text");
    assert!(
        draft.contains("field.notes=a+%26+b") && !draft.contains("PIN") && !draft.contains("token"),
        "{draft}"
    );
    let page = ada.page(draft).await;
    assert!(
        page.contains("This address keeps what you filled in") && page.contains("a &amp; b"),
        "{page}"
    );
    let page = ada.page(&format!("{FORM}?from=pay-old&field.count=2")).await;
    assert!(
        page.contains("Copied from pay-old.")
            && page.contains("value=\"seven\"")
            && page.contains("value=\"2\""),
        "{page}"
    );
    for from in ["shop-db", "site-web", "none"] {
        let page = ada.page(&format!("{FORM}?from={from}")).await;
        assert!(!page.contains("Copied from") && !page.contains("large"), "{page}");
    }
}

#[tokio::test]
async fn a_service_is_changed_suspended_given_a_last_day_and_deleted_by_requests() {
    let scene = scene().await;
    let ada = Browser::of(&scene, "ada", "requester", &[]).await;
    let page = ada.page("/services/shop-db").await;
    for link in ["change", "wish/suspend", "wish/expire", "wish/delete", "wish/operate-stop"] {
        assert!(page.contains(&format!("/services/shop-db/{link}\"")), "{link}: {page}");
    }
    assert!(!page.contains("wish/operate-flush"), "who may only ask does nothing at once: {page}");
    let form = ada.page("/services/shop-db/change").await;
    assert!(form.contains("name=\"field.size\" type=\"text\" value=\"small\""), "{form}");
    let same = sends(&ada, "/services/shop-db/change", &[("field.size", "small")]).await;
    assert!(same.status == 422 && same.text.contains("Nothing is asked for"), "{}", same.text);
    let split = [("field.size", "large"), ("view", "split")];
    let review = sends(&ada, "/services/shop-db/change", &split).await;
    assert!(
        review.text.contains("class=\"pair\"") && review.text.contains("<ins>large</ins>"),
        "{}",
        review.text
    );
    let sent = [("field.size", "large"), ("do", "submit"), ("reason", "More")];
    assert_eq!(sends(&ada, "/services/shop-db/change", &sent).await.status, 303);
    for (word, fields, held) in [
        ("suspend", vec![], "state: suspended"),
        ("operate-stop", vec![], "state: stopped"),
        ("expire", vec![("expires", "2031-01-31")], "expires: \"2031-01-31\""),
    ] {
        let page = format!("/services/shop-db/wish/{word}");
        ada.page(&page).await;
        let mut fields = fields;
        fields.extend([("do", "submit"), ("reason", "a test")]);
        let said = sends(&ada, &page, &fields).await;
        assert_eq!(said.status, 303, "{word}: {}", said.text);
        let last = asked(&scene).await.pop().expect("a request");
        let content =
            last.content.expect("a file").replace("expires: 2031-01-31", "expires: \"2031-01-31\"");
        assert!(content.contains(held), "{content}");
    }
    let said = sends(&ada, "/services/shop-db/wish/expire", &[("expires", "soon")]).await;
    assert_eq!(said.status, 422, "{}", said.text);
    let review = ada.page("/services/shop-db/wish/delete").await;
    assert!(
        review.contains("class=\"remove\"") && review.contains("Submit the request"),
        "{review}"
    );
    let sent = [("do", "submit"), ("reason", "over")];
    assert_eq!(sends(&ada, "/services/shop-db/wish/delete", &sent).await.status, 303);
    assert_eq!(asked(&scene).await.pop().expect("a request").content, None);
    let mia = Browser::of(&scene, "mia", "maintainer", &["payments"]).await;
    let said = sends(&mia, "/services/shop-db/wish/operate-flush", &sent).await;
    assert_eq!(said.headers["location"], "/services/shop-db?done=said", "{}", said.text);
    for word in ["operate-none", "explode", "operate-"] {
        assert_eq!(mia.open(&format!("/services/shop-db/wish/{word}")).await.status, 404, "{word}");
    }
}

#[tokio::test]
async fn nobody_asks_for_what_is_anothers_or_for_more_than_the_form_asks() {
    let scene = scene().await;
    let ada = Browser::of(&scene, "ada", "requester", &[]).await;
    for path in [
        "/catalog/items/secretive/request",
        "/catalog/bundles/secretive/request",
        "/catalog/items/none/request",
        "/services/site-web/change",
        "/services/site-web/wish/delete",
        "/services/none/change",
        "/requests/q-none",
        "/requests/q-none/abort",
    ] {
        let said = ada.open(path).await;
        assert_eq!(said.status, 404, "{path}: {}", said.text);
        let said = ada.send("/", path, &with(&[("do", "submit"), ("reason", "x")])).await;
        assert!(matches!(said.status, 404 | 405), "{path}: {} {}", said.status, said.text);
    }
    let other = with(&[("team", "search"), ("do", "submit")]);
    assert_eq!(ada.send(FORM, FORM, &other).await.status, 403);
    // Names that the form does not have: a field is refused by its name, all else is not looked at.
    let more = sends(&ada, FORM, &with(&[("field.admin", "true")])).await;
    assert!(more.status == 422 && more.text.contains("admin"), "{}", more.text);
    let fields = [
        ("do", "submit"),
        ("reason", "x"),
        ("delete", "true"),
        ("service", "site-web"),
        ("item", "secretive"),
        ("state", "suspended"),
        ("by", "eve"),
    ];
    assert_eq!(sends(&ada, FORM, &with(&fields)).await.status, 303);
    let all = asked(&scene).await;
    let content = all[0].content.as_deref().expect("a file");
    assert_eq!((all.len(), all[0].by.as_str(), all[0].offer.as_str()), (1, "ada", "wide"));
    assert!(!content.contains("suspended") && !content.contains("site-web"), "{content}");
    let said = sends(
        &ada,
        "/services/shop-db/change",
        &[("field.size", "x"), ("team", "search"), ("id", "y"), ("delete", "1")],
    )
    .await;
    assert_eq!(said.status, 200, "{}", said.text);
    assert!(said.text.contains("services/payments/shop-db.yaml"), "{}", said.text);
    assert!(!said.text.contains("name=\"delete\""), "{}", said.text);
    // Who may only look is offered nothing, and gets nothing.
    let vic = Browser::of(&scene, "vic", "viewer", &["*"]).await;
    assert!(!vic.page("/services/shop-db").await.contains("/shop-db/change\""));
    assert_eq!(vic.open(FORM).await.status, 403);
    let page = format!("/requests/{}", all[0].id);
    assert!(!vic.page(&page).await.contains("/abort"));
    let eve = Browser::of(&scene, "eve", "maintainer", &[]).await;
    assert_eq!(eve.open(&page).await.status, 404);
    assert!(!eve.page("/requests").await.contains("pay-wide"));
}

#[tokio::test]
async fn what_was_typed_is_never_markup() {
    let scene = scene().await;
    let ada = Browser::of(&scene, "ada", "requester", &[]).await;
    let names = [
        "field.notes",
        "field.size",
        "field.count",
        "id",
        "description",
        "expires",
        "dependsOn",
        "environment",
        "field.x",
    ];
    for name in names {
        for button in ["review", "edit", "check"] {
            let said = sends(&ada, FORM, &with(&[(name, HOSTILE), ("do", button)])).await;
            assert!(
                !said.text.contains("<img") && !said.text.contains("<script>alert"),
                "{name} {button}"
            );
        }
    }
    let sent = with(&[
        ("field.notes", HOSTILE),
        ("description", HOSTILE),
        ("do", "submit"),
        ("reason", HOSTILE),
    ]);
    let said = sends(&ada, FORM, &sent).await;
    assert_eq!(said.status, 303, "{}", said.text);
    for path in [said.headers["location"].to_str().expect("text"), "/requests"] {
        let page = ada.page(path).await;
        assert!(!page.contains("<img") && !page.contains("<script>alert"), "{path}");
    }
    let query: String = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
    for path in [
        format!("{FORM}?field.notes={query}&from={query}&field.{query}=1"),
        format!("/requests?team={query}&service={query}"),
    ] {
        let page = ada.page(&path).await;
        assert!(!page.contains("<img") && !page.contains("<script>alert"), "{path}");
    }
}

#[tokio::test]
async fn a_file_is_sent_reviewed_and_put_beside_the_service() {
    let scene = scene().await;
    let ada = Browser::of(&scene, "ada", "requester", &[]).await;
    let file = |kind: &str, text: &str| {
        use base64::Engine as _;
        let content = base64::engine::general_purpose::STANDARD.encode(text);
        json!({"name": "../ca.yaml", "mediaType": kind, "content": content}).to_string()
    };
    let right = file("text/plain", "kind: Service");
    let review = sends(&ada, FORM, &with(&[("file.rootCert", &right)])).await;
    let path = "services/payments/files/pay-wide/root-cert-ca.yaml";
    assert!(review.status == 200 && review.text.contains(path), "{}", review.text);
    for wrong in [file("image/png", "x"), file("text/plain", &"x".repeat(101))] {
        let said = sends(&ada, FORM, &with(&[("file.rootCert", &wrong)])).await;
        assert!(
            said.status == 422 && said.text.contains("href=\"#field-rootCert\""),
            "{}",
            said.text
        );
        assert!(said.text.contains("Taken in:"), "{}", said.text);
    }
    let sent = with(&[("file.rootCert", &right), ("do", "submit"), ("reason", "x")]);
    assert_eq!(sends(&ada, FORM, &sent).await.status, 303);
    let all = asked(&scene).await;
    assert_eq!(all[0].files[0].path, path);
    assert_eq!(all[0].files[0].bytes(), Some(b"kind: Service".to_vec()));
    assert!(
        all[0].content.as_deref().expect("a file").contains("files/pay-wide/root-cert-ca.yaml")
    );
}
