//! `/services/{id}/change`: asks for other values of a service that is there, by the same form.

use axum::extract::Path;
use axum::response::Response;

use super::fill::from_address;
use super::flow::go_on;
use super::page::{self, Above};
use super::subject::Subject;
use crate::serve::portal::form::{Asked, Form};
use crate::serve::portal::problem_page::Refused;
use crate::serve::portal::visit::Visit;

/// Shows the form as the service is.
pub(in crate::serve::portal) async fn show(
    visit: Visit,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Refused> {
    let subject = Subject::of_service(&visit, &id).await?;
    let filled = from_address(&visit, &subject, &asked).await?;
    let above = Above { remarks: filled.remarks, ..Above::default() };
    page::show(&visit, &subject, &filled.form, above).await
}

/// Goes on with the form.
pub(in crate::serve::portal) async fn take(
    visit: Visit,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Refused> {
    let subject = Subject::of_service(&visit, &id).await?;
    go_on(&visit, &subject, &form).await
}
