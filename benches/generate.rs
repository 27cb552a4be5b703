//! Makes a seeded catalog of so many documents of 1–2 KB each: items, bundles, environments, services. It measures nothing.

use std::fs;
use std::path::Path;

use anyhow::Result;

/// Services of a team.
const TEAM: usize = 50;

/// Writes a catalog of so many documents; the same seed gives the same bytes.
pub(crate) fn catalog(folder: &Path, documents: usize, seed: u64) -> Result<()> {
    let size = Size::of(documents);
    let mut dice = Dice(seed);
    write(folder, "trueline.yaml", &settings(&size))?;
    for number in 0..size.environments {
        write(folder, &format!("environments/region-{number:02}.yaml"), &environment(number))?;
    }
    for number in 0..size.items {
        let path = format!("catalog/{}/{}.yaml", category(number), item_id(number));
        write(folder, &path, &item(number, &mut dice))?;
    }
    for number in 0..size.bundles {
        let path = format!("bundles/bundle-{number:05}.yaml");
        write(folder, &path, &bundle(number, &size, &mut dice))?;
    }
    for number in 0..size.services {
        write(folder, &service_path(number), &service(number, &size, &mut dice))?;
    }
    Ok(())
}

/// Returns the path of a service.
pub(crate) fn service_path(number: usize) -> String {
    format!("services/team-{:04}/service-{number:06}.yaml", number / TEAM)
}

/// How many there are of each.
struct Size {
    environments: usize,
    items: usize,
    bundles: usize,
    services: usize,
}

impl Size {
    fn of(documents: usize) -> Self {
        let (environments, items, bundles) = (20, documents / 10, documents / 50);
        let services = documents.saturating_sub(1 + environments + items + bundles);
        Self { environments, items, bundles, services }
    }
}

/// A die of many sides (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap_or_default() % sides.max(1)
    }

    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words.get(self.below(words.len())).copied().unwrap_or_default()
    }
}

fn write(folder: &Path, path: &str, text: &str) -> Result<()> {
    let file = folder.join(path);
    file.parent().map(fs::create_dir_all).transpose()?;
    Ok(fs::write(file, text)?)
}

/// Puts words in the place of `<names>`.
fn fill(template: &str, words: &[(&str, String)]) -> String {
    words
        .iter()
        .fold(template.to_owned(), |text, (name, word)| text.replace(&format!("<{name}>"), word))
}

const CATEGORIES: [&str; 4] = ["database", "configuration", "access", "queue"];

fn category(item: usize) -> &'static str {
    CATEGORIES.get(item % CATEGORIES.len()).copied().unwrap_or_default()
}

fn item_id(item: usize) -> String {
    format!("{}-{item:05}", category(item))
}

fn settings(size: &Size) -> String {
    let head = "schemaVersion: catalog/v1\nkind: Catalog\nmetadata: {id: bench, name: Benchmark}\nteams:\n  platform: {owners: [\"@acme/platform\"], contact: platform@example.com}\n";
    let team = |team: usize| {
        format!(
            "  team-{team:04}: {{owners: [\"@acme/team-{team:04}\"], contact: team-{team:04}@example.com, quota: {{services: {TEAM}}}}}\n"
        )
    };
    std::iter::once(head.to_owned()).chain((0..=size.services / TEAM).map(team)).collect()
}

fn environment(number: usize) -> String {
    fill(include_str!("documents/environment.yaml"), &[("number", format!("{number:02}"))])
}

fn item(number: usize, dice: &mut Dice) -> String {
    let template = match number % CATEGORIES.len() {
        0 => include_str!("documents/database.yaml"),
        1 => include_str!("documents/configuration.yaml"),
        2 => include_str!("documents/access.yaml"),
        _ => include_str!("documents/queue.yaml"),
    };
    let words = [
        ("id", item_id(number)),
        ("number", number.to_string()),
        ("minor", dice.below(20).to_string()),
        ("cost", (10 + dice.below(90)).to_string()),
        ("max", (1_000 + 10 * dice.below(900)).to_string()),
        ("tier", dice.one_of(&["tier-1", "tier-2", "tier-3"]).to_owned()),
    ];
    fill(template, &words)
}

/// A bundle of a database and a queue.
fn bundle(number: usize, size: &Size, dice: &mut Dice) -> String {
    let blocks = size.items / CATEGORIES.len();
    let words = [
        ("number", format!("{number:05}")),
        ("database", item_id(CATEGORIES.len() * dice.below(blocks))),
        ("queue", item_id(CATEGORIES.len() * dice.below(blocks) + 3)),
        ("minor", dice.below(20).to_string()),
    ];
    fill(include_str!("documents/bundle.yaml"), &words)
}

fn service(number: usize, size: &Size, dice: &mut Dice) -> String {
    let blocks = size.items / CATEGORIES.len();
    let block = CATEGORIES.len() * dice.below(blocks);
    let place = number % TEAM;
    // The first of a team is a database that others of the team read from.
    let flavour = if place == 0 { 0 } else { dice.below(5) };
    let (fields, of) = match flavour {
        0 => (include_str!("documents/fields-database.yaml"), item_id(block)),
        1 => (include_str!("documents/fields-configuration.yaml"), item_id(block + 1)),
        2 => (include_str!("documents/fields-access.yaml"), item_id(block + 2)),
        3 => (include_str!("documents/fields-queue.yaml"), item_id(block + 3)),
        _ => {
            let bundle = format!("bundle-{:05}", dice.below(size.bundles));
            (include_str!("documents/fields-bundle.yaml"), bundle)
        }
    };
    let first = format!("service-{:06}", number - place);
    let depends = match (place, flavour) {
        (0, _) => String::new(),
        _ => format!("dependsOn: [{first}]\n"),
    };
    let words = [
        ("fields", fields.to_owned()),
        ("offer", if flavour == 4 { "catalogBundle" } else { "catalogItem" }.to_owned()),
        ("of", of),
        ("id", format!("service-{number:06}")),
        ("team", format!("team-{:04}", number / TEAM)),
        ("region", format!("{:02}", dice.below(size.environments))),
        ("class", dice.one_of(&["small", "medium", "large"]).to_owned()),
        ("storage", (20 + 10 * dice.below(90)).to_string()),
        ("retention", (1 + dice.below(14)).to_string()),
        ("flag", dice.one_of(&["true", "false"]).to_owned()),
        ("tier", (1 + dice.below(3)).to_string()),
        ("cost", (1_000 + dice.below(9_000)).to_string()),
        ("priority", dice.one_of(&["critical", "high", "normal", "low"]).to_owned()),
        (
            "upstream",
            if place == 0 {
                "none".to_owned()
            } else {
                format!("{{{{services.{first}.outputs.endpoint}}}}")
            },
        ),
        ("depends", depends),
    ];
    fill(include_str!("documents/service.yaml"), &words)
}
