//! The demo's world: a temporary folder with a catalog repository, a target repository and Trueline's state.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;

use super::example::FILES;
use super::repository::{BRANCH, Person, Repository};
use crate::cli::config::Config;
use crate::cli::context::Context;
use crate::cli::output::Failure;
use crate::source::FileChange;

/// Looks after the platform.
pub(super) const LEAD: Person = Person("Lea Brandt", "lea@acme.example");
/// Offers databases.
const DATABASES: Person = Person("Dmitri Sokolov", "dmitri@acme.example");
/// Of the team payments.
pub(super) const PAYMENTS: Person = Person("Priya Nair", "priya@acme.example");
/// Of the team storefront.
pub(super) const STOREFRONT: Person = Person("Sam Okoye", "sam@acme.example");
/// Of the team data.
pub(super) const DATA: Person = Person("Jonas Weber", "jonas@acme.example");
/// Means well, and does not know of the catalog.
pub(super) const NIGHT_SHIFT: Person = Person("Nia Shift", "nia@acme.example");

/// What stands in the example where the sandbox is meant, and where the target repository is.
const EXAMPLE_API: &str = "http://127.0.0.1:7780";
const EXAMPLE_TARGET: &str = "file:///var/lib/trueline/example/target.git";

/// The demo's world.
pub(super) struct World {
    /// Everything is in here.
    pub(super) folder: PathBuf,
    /// The catalog.
    pub(super) catalog: Repository,
    /// What `git-commit` actions write to.
    pub(super) target: Repository,
    /// Where the sandbox answers: `http://127.0.0.1:<port>`.
    pub(super) sandbox: String,
    /// What every command works in.
    pub(super) context: Context,
    /// Removes the folder in the end, unless it is to be kept.
    _removal: Option<TempDir>,
}

impl World {
    /// Makes it: real repositories with real commits, and a configuration of the operator.
    pub(super) fn make(
        context: &Context,
        sandbox: SocketAddr,
        keep: bool,
    ) -> Result<Self, Failure> {
        let temporary = tempfile::Builder::new().prefix("trueline-demo-").tempdir()?;
        let (folder, removal) = if keep {
            (temporary.keep(), None)
        } else {
            (temporary.path().to_owned(), Some(temporary))
        };
        let folder = folder.canonicalize()?;
        let catalog = Repository::init(&folder.join("catalog.git"))?;
        let target = Repository::init(&folder.join("target.git"))?;
        let api = format!("http://{sandbox}");
        fill_target(&target)?;
        fill_catalog(&catalog, &api, &target.url()?)?;
        let context = configured(context, &folder, (&catalog.url()?, sandbox))?;
        Ok(Self { folder, catalog, target, sandbox: api, context, _removal: removal })
    }

    /// Returns where the operator's configuration is.
    pub(super) fn configuration(&self) -> PathBuf {
        self.folder.join("trueline.toml")
    }
}

/// Writes the operator's configuration and reads it as every command does.
fn configured(
    context: &Context,
    folder: &Path,
    (catalog, sandbox): (&str, SocketAddr),
) -> Result<Context, Failure> {
    let state = folder.join("state");
    let file = json!({
        "catalog": [{"name": "acme", "url": catalog, "branch": BRANCH}],
        "store": {"path": state},
        "egress": {"allow": [sandbox.to_string()]},
    });
    let path = folder.join("trueline.toml");
    std::fs::write(&path, toml::to_string(&file)?)?;
    Ok(Context {
        config: Config::read(&path)?,
        name: "acme".to_owned(),
        catalog: catalog.to_owned(),
        branch: Some(BRANCH.to_owned()),
        state,
        quiet: true,
        ..context.clone()
    })
}

fn fill_target(target: &Repository) -> Result<(), Failure> {
    let readme = "# Infrastructure\n\nDNS records, alert rules and dashboards. Services write them; see the catalog.\n";
    target.commit(LEAD, "Start the infrastructure repository", &[written("README.md", readme)])?;
    Ok(())
}

/// Commits the example in the steps in which people would.
fn fill_catalog(catalog: &Repository, api: &str, target: &str) -> Result<(), Failure> {
    for (who, message, folders) in [
        (
            LEAD,
            "Settings, owners and environments",
            &["trueline.yaml", "README.md", ".github/", "environments/"][..],
        ),
        (
            DATABASES,
            "What the platform offers",
            &["catalog/", "bundles/", "modules/", "workflows/"][..],
        ),
        (PAYMENTS, "Services of the team payments", &["services/payments/"][..]),
        (STOREFRONT, "Services of the team storefront", &["services/storefront/"][..]),
        (DATA, "Services of the team data", &["services/data/"][..]),
    ] {
        let wanted = |path: &str| folders.iter().any(|folder| path.starts_with(folder));
        let files: Vec<FileChange> = FILES
            .iter()
            .filter(|(path, _)| wanted(path))
            .map(|(path, text)| {
                written(path, &text.replace(EXAMPLE_API, api).replace(EXAMPLE_TARGET, target))
            })
            .collect();
        catalog.commit(who, message, &files)?;
    }
    Ok(())
}

/// A file as it is to be.
pub(super) fn written(path: &str, text: &str) -> FileChange {
    FileChange { path: path.to_owned(), content: Some(text.as_bytes().to_vec()) }
}

/// A file that is to go.
pub(super) fn removed(path: &str) -> FileChange {
    FileChange { path: path.to_owned(), content: None }
}
