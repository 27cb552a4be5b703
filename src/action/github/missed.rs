//! Has GitHub deliver again what we did not take, such as while this process was down. It is only faster so: whatever
//! was missed is found by polling as well.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{connect, repository};
use crate::action::Ports;
use crate::run::{Fault, FaultClass};

/// How far back is looked: what is older was found by polling since.
const BACK: SignedDuration = SignedDuration::from_hours(2);

/// How many are asked for in one sweep.
const MOST: usize = 30;

/// The longest pause between two sweeps after faults.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// Sweeps once; nothing is done where no App is set up whose hook posts to us, or where the catalog is elsewhere.
pub(super) async fn sweep(ports: &Ports, now: Timestamp) -> Result<usize, Fault> {
    let Some(settings) = &ports.operator.github else { return Ok(0) };
    if settings.app_id.is_none() || settings.webhook_secrets.is_empty() {
        return Ok(0);
    }
    let url = ports.operator.catalog_url.as_deref();
    let Some(catalog) = url.map(|url| repository(ports, url)).transpose()?.flatten() else {
        return Ok(0);
    };
    let github = connect(ports, catalog).await?.for_looks()?;
    let since = now.checked_sub(BACK).unwrap_or(Timestamp::MIN);
    Ok(github.deliver_again(since, MOST).await?)
}

/// Sweeps again and again, until it is dropped. A fault is told, and waited for longer each time.
pub async fn deliver_missed(ports: Ports, every: Duration) {
    let mut pause = every;
    loop {
        match sweep(&ports, Timestamp::now()).await {
            Ok(0) => pause = every,
            Ok(count) => {
                tracing::info!(count, "GitHub delivers again what was not taken");
                pause = every;
            }
            Err(fault) => {
                tracing::warn!(%fault, "GitHub can't be asked what it could not deliver");
                let longer = if fault.class == FaultClass::Terminal { 12 } else { 2 };
                pause = (pause * longer).min(LONGEST_PAUSE);
            }
        }
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::action::github::testing;
    use crate::action::{GitHubSettings, Operator, SecretRef};
    use crate::forge::github::fake::FakeGitHub;

    fn ports(github: &FakeGitHub, folder: &Path, catalog: &str, has_hook: bool) -> Ports {
        let ports = testing::ports_of_app(github, folder);
        let hook = has_hook.then(|| SecretRef { secret: "HOOK".to_owned() });
        let settings = ports.operator.github.clone().map(|settings| GitHubSettings {
            webhook_secrets: hook.into_iter().collect(),
            ..settings
        });
        let catalog_url = Some(catalog.to_owned());
        let operator = Operator { github: settings, catalog_url, ..Operator::default() };
        Ports { operator: Arc::new(operator), ..ports }
    }

    #[tokio::test]
    async fn only_an_app_with_a_hook_asks_for_what_was_missed() {
        let (github, folder) = (FakeGitHub::start().await, tempfile::tempdir().unwrap());
        github.happen("acme/app", "push");
        github.undelivered().iter().for_each(|it| github.lose(it));
        let now = Timestamp::now();
        for (catalog, has_hook) in [("acme/app", false), ("/srv/catalog.git", true)] {
            let ports = ports(&github, folder.path(), catalog, has_hook);
            assert_eq!(sweep(&ports, now).await, Ok(0), "{catalog}");
        }
        let ports = ports(&github, folder.path(), "acme/app", true);
        assert_eq!(sweep(&ports, now + SignedDuration::from_hours(3)).await, Ok(0), "too old");
        assert_eq!(sweep(&ports, now).await, Ok(1));
        assert_eq!(sweep(&ports, now).await, Ok(1), "nothing was tried since");
        assert!(github.undelivered().iter().all(|it| it.is_again));
    }
}
