//! `/catalog/{items|bundles}/{id}/request`: asks for a new service of an offer.

use axum::extract::Path;
use axum::response::Response;

use super::fill::from_address;
use super::flow::go_on;
use super::page::{self, Above};
use super::subject::Subject;
use crate::serve::portal::form::{Asked, Form};
use crate::serve::portal::problem_page::Refused;
use crate::serve::portal::visit::Visit;

async fn show(visit: &Visit, place: (&str, &str), asked: &Asked) -> Result<Response, Refused> {
    let subject = Subject::of_offer(visit, place, asked.text("team")).await?;
    let filled = from_address(visit, &subject, asked).await?;
    let above = Above { remarks: filled.remarks, ..Above::default() };
    page::show(visit, &subject, &filled.form, above).await
}

async fn take(visit: &Visit, place: (&str, &str), form: &Form) -> Result<Response, Refused> {
    let subject = Subject::of_offer(visit, place, form.text("team").trim()).await?;
    go_on(visit, &subject, form).await
}

/// Shows the form of an item.
pub(in crate::serve::portal) async fn item(
    visit: Visit,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Refused> {
    show(&visit, ("items", &id), &asked).await
}

/// Shows the form of a bundle.
pub(in crate::serve::portal) async fn bundle(
    visit: Visit,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Refused> {
    show(&visit, ("bundles", &id), &asked).await
}

/// Goes on with the form of an item.
pub(in crate::serve::portal) async fn take_item(
    visit: Visit,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Refused> {
    take(&visit, ("items", &id), &form).await
}

/// Goes on with the form of a bundle.
pub(in crate::serve::portal) async fn take_bundle(
    visit: Visit,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Refused> {
    take(&visit, ("bundles", &id), &form).await
}
