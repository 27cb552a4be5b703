//! Requests in their table. What happens to one is told in the chain with the same write.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::write::{OURSELVES, Write};
use super::{SqliteStore, prune_requests, rows};
use crate::store::{
    Actor, Before, Lease, Numbered, RequestAdded, RequestFilter, RequestKind, Retention,
    ServiceRequest, ServiceRequestStore, StoreError,
};

const WHAT: &str = "a request";

/// How many open requests are looked after at once; older ones come first.
const MOST_OPEN: i64 = 2_000;

type Row = (i64, i64, String);

fn read((number, version, body): Row) -> Result<Numbered<ServiceRequest>, StoreError> {
    let row = ServiceRequest { version, ..rows::from_json(WHAT, &body)? };
    Ok(Numbered { number, team: Some(row.team.clone()), row })
}

/// Tells what stands in the way of a new request.
async fn known(
    connection: &mut SqliteConnection,
    catalog: &str,
    new: &ServiceRequest,
) -> Result<RequestAdded, StoreError> {
    let found: Vec<Row> = sqlx::query_as(
        "SELECT seq, version, body FROM service_requests
         WHERE catalog = $1 AND service = $2 AND open = 1 AND state IN ('submitted', 'proposed') ORDER BY seq",
    )
    .bind(catalog)
    .bind(&new.service)
    .fetch_all(connection)
    .await
    .map_err(StoreError::database("looking for requests of a service"))?;
    for row in found {
        let known = read(row)?.row;
        if known.progress.aborted.is_some() {
            continue;
        }
        let is_same = known.by == new.by
            && known.kind == new.kind
            && known.path == new.path
            && known.content == new.content;
        if is_same {
            return Ok(RequestAdded::Same(Box::new(known)));
        }
        if known.kind == RequestKind::Create && new.kind == RequestKind::Create {
            return Ok(RequestAdded::Taken(Box::new(known)));
        }
    }
    Ok(RequestAdded::Added)
}

async fn insert(
    connection: &mut SqliteConnection,
    catalog: &str,
    new: &ServiceRequest,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO service_requests (catalog, seq, id, service, who, team, branch, state, open, version, body)
         SELECT $1, coalesce(max(seq), 0) + 1, $2, $3, $4, $5, $6, $7, 1, 0, $8
         FROM service_requests WHERE catalog = $1",
    )
    .bind(catalog)
    .bind(&new.id)
    .bind(&new.service)
    .bind(&new.by)
    .bind(&new.team)
    .bind(&new.branch)
    .bind(rows::to_word(&new.progress.state))
    .bind(rows::to_json(WHAT, new)?)
    .execute(connection)
    .await
    .map_err(StoreError::database("taking a request down"))?;
    Ok(())
}

#[async_trait]
impl ServiceRequestStore for SqliteStore {
    async fn add_service_requests(
        &self,
        by: &Actor,
        at: Timestamp,
        requests: &[ServiceRequest],
    ) -> Result<Vec<RequestAdded>, StoreError> {
        let mut writer = self.writer.lock().await;
        let mut write = Write::begin(&mut writer, &self.catalog).await?;
        let catalog = write.catalog;
        let mut added = Vec::new();
        for new in requests {
            let came = known(write.connection(), catalog, new).await?;
            if came == RequestAdded::Added {
                insert(write.connection(), catalog, new).await?;
                let detail = json!({
                    "request": new.id, "service": new.service, "kind": new.kind,
                    "offer": new.offer, "reason": new.reason,
                });
                write.audit(at, &by.name, "request.submitted", &by.on(&detail)).await?;
            }
            added.push(came);
        }
        // Dropped without a commit, nothing of it took place.
        if !added.iter().any(|came| matches!(came, RequestAdded::Taken(_))) {
            write.commit().await?;
        }
        Ok(added)
    }

    async fn save_service_request(
        &self,
        by: Option<&Actor>,
        at: Timestamp,
        request: &ServiceRequest,
    ) -> Result<bool, StoreError> {
        let failed = StoreError::database("writing how far a request is");
        let mut writer = self.writer.lock().await;
        let mut write = Write::begin(&mut writer, &self.catalog).await?;
        let before: Option<String> = sqlx::query_scalar(
            "SELECT state FROM service_requests WHERE catalog = $1 AND id = $2 AND version = $3",
        )
        .bind(&self.catalog)
        .bind(&request.id)
        .bind(request.version)
        .fetch_optional(write.connection())
        .await
        .map_err(&failed)?;
        let Some(before) = before else { return Ok(false) };
        let state = rows::to_word(&request.progress.state);
        sqlx::query(
            "UPDATE service_requests SET state = $3, open = $4, version = version + 1, body = $5
             WHERE catalog = $1 AND id = $2",
        )
        .bind(&self.catalog)
        .bind(&request.id)
        .bind(&state)
        .bind(i64::from(!request.progress.state.is_over()))
        .bind(rows::to_json(WHAT, request)?)
        .execute(write.connection())
        .await
        .map_err(&failed)?;
        if before != state || by.is_some() {
            let progress = &request.progress;
            let detail = json!({
                "request": request.id, "service": request.service, "proposal": progress.proposal,
                "run": progress.run, "why": progress.why,
            });
            let what = format!("request.{}", if by.is_some() { "aborted" } else { &state });
            let (actor, detail) = match by {
                Some(by) => (by.name.as_str(), by.on(&detail)),
                None => (OURSELVES, detail),
            };
            write.audit(at, actor, &what, &detail).await?;
        }
        write.commit().await?;
        Ok(true)
    }

    async fn service_request(&self, id: &str) -> Result<Option<ServiceRequest>, StoreError> {
        self.one_request("id", id).await
    }

    async fn service_request_of_branch(
        &self,
        branch: &str,
    ) -> Result<Option<ServiceRequest>, StoreError> {
        self.one_request("branch", branch).await
    }

    async fn open_service_requests(&self) -> Result<Vec<ServiceRequest>, StoreError> {
        let found: Vec<Row> = sqlx::query_as(
            "SELECT seq, version, body FROM service_requests
             WHERE catalog = $1 AND open = 1 ORDER BY seq LIMIT $2",
        )
        .bind(&self.catalog)
        .bind(MOST_OPEN)
        .fetch_all(&self.readers)
        .await
        .map_err(StoreError::database("reading open requests"))?;
        found.into_iter().map(|row| Ok(read(row)?.row)).collect()
    }

    async fn old_service_requests(
        &self,
        retention: &Retention,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        prune_requests::old(&self.readers, &self.catalog, (retention, now), limit).await
    }

    async fn prune_service_requests(
        &self,
        lease: &Lease,
        ids: &[String],
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut writer = self.writer.lock().await;
        let mut write = Write::fenced(&mut writer, &self.catalog, lease).await?;
        let gone = prune_requests::prune(&mut write, ids, now).await?;
        write.commit().await?;
        Ok(gone)
    }

    async fn service_requests_page(
        &self,
        filter: &RequestFilter,
        page: Before,
    ) -> Result<Vec<Numbered<ServiceRequest>>, StoreError> {
        let begin = "SELECT seq, version, body FROM service_requests WHERE catalog = ";
        let mut query = QueryBuilder::<Sqlite>::new(begin);
        query.push_bind(self.catalog.clone());
        if let Some(number) = page.number {
            query.push(" AND seq < ").push_bind(number);
        }
        if let Some(service) = &filter.service {
            query.push(" AND service = ").push_bind(service.clone());
        }
        if let Some(by) = &filter.by {
            query.push(" AND who = ").push_bind(by.clone());
        }
        if let Some(state) = &filter.state {
            query.push(" AND state = ").push_bind(rows::to_word(state));
        }
        query.push(" ORDER BY seq DESC LIMIT ").push_bind(i64::from(page.limit));
        let found: Vec<Row> = query
            .build_query_as()
            .fetch_all(&self.readers)
            .await
            .map_err(StoreError::database("listing requests"))?;
        found.into_iter().map(read).collect()
    }
}

impl SqliteStore {
    async fn one_request(
        &self,
        column: &'static str,
        value: &str,
    ) -> Result<Option<ServiceRequest>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT seq, version, body FROM service_requests WHERE catalog = ",
        );
        query.push_bind(self.catalog.clone());
        query.push(format!(" AND {column} = ")).push_bind(value.to_owned()).push(" LIMIT 1");
        let found: Option<Row> = query
            .build_query_as()
            .fetch_optional(&self.readers)
            .await
            .map_err(StoreError::database("reading a request"))?;
        found.map(|row| Ok(read(row)?.row)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::fixtures::at;
    use crate::store::{ActorKind, RequestProgress, RequestState, Store as _};

    fn actor(name: &str) -> Actor {
        let (name, via) = (name.to_owned(), "test".to_owned());
        Actor { name, kind: ActorKind::Person, via, correlation: None }
    }

    fn request(id: &str, by: &str, (service, content): (&str, &str)) -> ServiceRequest {
        ServiceRequest {
            id: id.to_owned(),
            by: by.to_owned(),
            email: String::new(),
            kind: RequestKind::Create,
            offer: "postgres".to_owned(),
            service: service.to_owned(),
            team: "payments".to_owned(),
            environment: None,
            reason: String::new(),
            path: format!("services/payments/{service}.yaml"),
            files: Vec::new(),
            base: "c0".to_owned(),
            content: Some(content.to_owned()),
            branch: format!("trueline/request-{id}"),
            marker: format!("trueline-request/{id}"),
            title: String::new(),
            body: String::new(),
            at: at(1),
            progress: RequestProgress::new(at(1)),
            version: 0,
        }
    }

    #[tokio::test]
    async fn what_is_over_and_old_is_forgotten_but_the_newest_of_each_service() {
        let (store, lease) = crate::store::sqlite::fixtures::driven().await;
        let by = actor("ada");
        let new: Vec<ServiceRequest> = (1..=5)
            .map(|number| {
                let service = if number < 5 { "db" } else { "web" };
                let kind = RequestKind::Change;
                let content = number.to_string();
                ServiceRequest {
                    kind,
                    ..request(&format!("q{number}"), "ada", (service, &content))
                }
            })
            .collect();
        store.add_service_requests(&by, at(2), &new).await.expect("written");
        for (id, second) in [("q1", 10), ("q2", 90_000), ("q4", 10), ("q5", 10)] {
            let mut one = store.service_request(id).await.expect("read").expect("there");
            one.progress.is_now(at(second), RequestState::Completed, None);
            store.save_service_request(None, at(second), &one).await.expect("written");
        }
        let age = Some(jiff::SignedDuration::from_hours(24));
        let retention = Retention { runs: age, per_service: 1 };
        let old = async |second| {
            store.old_service_requests(&retention, at(second), 9).await.expect("read")
        };
        assert_eq!(old(86_400).await, [""; 0], "they are young");
        // Of db the newest stays, and what is still open; of web there is one.
        assert_eq!(old(86_500).await, ["q1"]);
        assert_eq!(old(200_000).await, ["q1", "q2"]);
        let ids = ["q1", "q3"].map(str::to_owned);
        let gone = store.prune_service_requests(&lease, &ids, at(9)).await.expect("pruned");
        assert_eq!(gone, 1, "q3 is open");
        assert_eq!(store.service_request("q1").await.expect("read"), None);
        assert!(audited(&store).await.contains(&"requests.pruned trueline".to_owned()));
        let kept = Retention { runs: None, per_service: 1 };
        assert!(store.old_service_requests(&kept, at(900_000), 9).await.expect("read").is_empty());
    }

    async fn audited(store: &SqliteStore) -> Vec<String> {
        let chain = store.audit_after(0, 100).await.expect("read");
        chain.iter().map(|entry| format!("{} {}", entry.what, entry.actor)).collect()
    }

    #[tokio::test]
    async fn the_same_is_taken_down_once_and_an_id_by_one_alone() {
        let store = SqliteStore::in_memory("main").await.expect("opens");
        let add = async |requests: &[ServiceRequest]| {
            let by = actor(&requests[0].by);
            store.add_service_requests(&by, at(2), requests).await.expect("written")
        };
        let first = request("q1", "ada", ("db", "a"));
        assert_eq!(add(std::slice::from_ref(&first)).await, [RequestAdded::Added]);
        let again = add(&[request("q2", "ada", ("db", "a"))]).await;
        assert_eq!(again, [RequestAdded::Same(Box::new(first.clone()))]);
        let both = [request("q3", "bob", ("web", "a")), request("q4", "bob", ("db", "a"))];
        let taken = add(&both).await;
        assert_eq!(taken[1], RequestAdded::Taken(Box::new(first)));
        assert_eq!(store.service_request("q3").await.expect("read"), None, "all or none");
        assert_eq!(audited(&store).await, ["request.submitted ada"]);
    }

    #[tokio::test]
    async fn nobody_writes_over_what_they_have_not_seen() {
        let store = SqliteStore::in_memory("main").await.expect("opens");
        let by = actor("ada");
        let new = [request("q1", "ada", ("db", "a")), request("q2", "ada", ("web", "b"))];
        store.add_service_requests(&by, at(2), &new).await.expect("written");
        let mut one = store.service_request("q1").await.expect("read").expect("there");
        let stale = one.clone();
        one.progress.is_now(at(3), RequestState::Proposed, None);
        assert!(store.save_service_request(None, at(3), &one).await.expect("written"));
        assert!(!store.save_service_request(None, at(3), &stale).await.expect("refused"));
        let mut one = store.service_request("q1").await.expect("read").expect("there");
        one.progress.is_now(at(4), RequestState::Aborted, Some("no more".to_owned()));
        assert!(store.save_service_request(Some(&by), at(4), &one).await.expect("written"));
        let open = store.open_service_requests().await.expect("read");
        assert_eq!(open.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["q2"]);
        let told = audited(&store).await;
        assert_eq!(told[2..], ["request.proposed trueline", "request.aborted ada"]);
        let listed = async |filter: RequestFilter, number| {
            let page = Before { number, limit: 10 };
            let found = store.service_requests_page(&filter, page).await.expect("read");
            found.into_iter().map(|one| (one.number, one.row.id)).collect::<Vec<_>>()
        };
        let all = RequestFilter::default();
        assert_eq!(listed(all.clone(), None).await, [(2, "q2".to_owned()), (1, "q1".to_owned())]);
        assert_eq!(listed(all, Some(2)).await, [(1, "q1".to_owned())]);
        let aborted = RequestFilter { state: Some(RequestState::Aborted), ..Default::default() };
        assert_eq!(listed(aborted, None).await, [(1, "q1".to_owned())]);
        let of = store.service_request_of_branch("trueline/request-q2").await.expect("read");
        assert_eq!(of.expect("there").id, "q2");
    }
}
