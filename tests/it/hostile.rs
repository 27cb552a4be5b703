//! Catalogs that somebody made to crash, hang, or lead outside: what is said of them is said soon, and the
//! canary's words never appear.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::kit::{Order, chain_item, place, service};
use crate::world::World;

const CANARY: &str = "never-to-be-seen";

/// Runs what reads a catalog, and judges how it ends and what it says.
fn check(world: &World, catalog: &str) -> String {
    check_as(world, catalog, "text") + &check_as(world, catalog, "json")
}

fn check_as(world: &World, catalog: &str, format: &str) -> String {
    let mut all = String::new();
    for command in ["validate", "plan"] {
        let arguments = &[command, "--catalog", catalog, "-o", format];
        let said = world.trueline(arguments);
        let text = said.all();
        let code = said.status.code();
        assert!(code.is_some_and(|code| code <= 3), "{arguments:?}: {:?}\n{text}", said.status);
        for unwanted in [CANARY, "root:x:", "panicked"] {
            assert!(!text.contains(unwanted), "{arguments:?} says `{unwanted}`: {text}");
        }
        let acts = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(acts, None, "{arguments:?} prints what acts on a terminal");
        assert!(text.len() < 1 << 20, "{arguments:?} prints {} bytes", text.len());
        all += &text;
    }
    all
}

/// Puts documents into the work tree that are all wrong in a way of their own.
pub(crate) fn fill(world: &World) {
    let canary = world.path("canary");
    fs::write(&canary, format!("id: {CANARY}\n")).unwrap();
    let work = world.path("work/services/alpha");
    fs::create_dir_all(&work).unwrap();
    let bomb: String = (1..30)
        .map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", ")))
        .collect();
    let bytes: Vec<u8> =
        (0..200_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let braces = service("template", 1)
        .replace("size: 1", &format!("size: \"{}\"", "{{#if a}}".repeat(1600)));
    for (name, text) in [
        ("garbage", vec![0xff, 0x00, 0xfe, b':', 0x9b]),
        ("bytes", bytes),
        ("deep", "[".repeat(500_000).into_bytes()),
        ("deeper", "{a: ".repeat(100_000).into_bytes()),
        (
            "indented",
            (0..2_000).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>().into(),
        ),
        ("line", format!("a: {}", "x".repeat(10 << 20)).into_bytes()),
        ("lines", "\n".repeat(10 << 20).into_bytes()),
        ("bomb", format!("a0: &a0 [lol]\n{bomb}").into_bytes()),
        ("itself", b"a: &a [*a]\n".to_vec()),
        ("wide", "? ".repeat(200_000).into_bytes()),
        ("dashes", "- ".repeat(200_000).into_bytes()),
        ("anchors", (0..100_000).map(|n| format!("- &x{n} 1\n")).collect::<String>().into()),
        ("many", "---\na: 1\n".repeat(50_000).into_bytes()),
        ("keys", (0..60_000).map(|n| format!("k{n}: 1\n")).collect::<String>().into()),
        ("number", format!("a: {}", "9".repeat(400_000)).into_bytes()),
        ("quoted", format!("a: \"{}\"", "\\x1b[2J\\u202e".repeat(1_000)).into_bytes()),
        ("tagged", b"a: !!python/object/apply:os.system ['true']\n".to_vec()),
        ("empty", Vec::new()),
        ("template", braces.into_bytes()),
        ("od\u{7}d\u{202e}", b"a: 1".to_vec()),
    ] {
        fs::write(work.join(format!("{name}.yaml")), text).unwrap();
    }
    symlink(&canary, work.join("linked.yaml")).unwrap();
    symlink("/etc/passwd", work.join("passwd.yaml")).unwrap();
    symlink("../../../canary", work.join("climbing.yaml")).unwrap();
    symlink("looping.yaml", work.join("looping.yaml")).unwrap();
}

#[test]
fn documents_that_bomb_nest_and_lie() {
    let world = World::new();
    fill(&world);
    let item = chain_item(world.counterpart.api, &["only"], Order::Sequential);
    world.commit(&[
        ("catalog/tests/chain.yaml", &item),
        (&place("alpha-good"), &service("alpha-good", 1)),
    ]);
    for catalog in ["catalog.git", "work"] {
        let said = check(&world, catalog);
        for name in ["garbage", "bytes", "deep", "line", "bomb", "itself", "linked", "passwd"] {
            assert!(
                said.contains(&format!("{name}.yaml")),
                "{catalog}: {name} is passed over: {said}"
            );
        }
        assert!(said.contains("alpha-good"), "{catalog}: what is good is planned: {said}");
    }
}

/// Writes an object and returns its id.
fn blob(world: &World, text: &[u8]) -> String {
    let id = world.git_fed(&["-C", "catalog.git", "hash-object", "-w", "--stdin"], text);
    id.trim().to_owned()
}

/// Writes a tree as it stands, whatever its names are.
fn tree(world: &World, entries: &[(&str, &str, &[u8])]) -> String {
    let mut raw = Vec::new();
    for (mode, id, name) in entries {
        raw.extend_from_slice(format!("{mode} ").as_bytes());
        raw.extend_from_slice(name);
        raw.push(0);
        raw.extend((0..20).map(|n| u8::from_str_radix(&id[2 * n..2 * n + 2], 16).unwrap()));
    }
    let arguments =
        ["-C", "catalog.git", "hash-object", "-w", "-t", "tree", "--literally", "--stdin"];
    world.git_fed(&arguments, &raw).trim().to_owned()
}

/// Makes a tree the head of the catalog.
fn put(world: &World, tree: &str) {
    let commit = world.git(&["-C", "catalog.git", "commit-tree", "-m", "hostile", tree]);
    world.git(&["-C", "catalog.git", "update-ref", "refs/heads/main", commit.trim()]);
}

#[test]
fn names_that_lead_elsewhere() {
    let world = World::new();
    fs::write(world.path("canary.yaml"), format!("id: {CANARY}\n")).unwrap();
    let good = blob(&world, service("alpha-good", 1).as_bytes());
    let link = blob(&world, b"../../../canary.yaml");
    let folder = blob(&world, b"../../");
    let long = [b"n".repeat(4_000), b".yaml".to_vec()].concat();
    let nowhere = "1111111111111111111111111111111111111111";
    let alpha = tree(
        &world,
        &[
            ("100644", &good, b"../../../canary.yaml"),
            ("100644", &good, b"/etc/passwd.yaml"),
            ("100644", &good, b"\x1b[2J\xe2\x80\xae.yaml"),
            ("100644", &good, b"\xff\xfe.yaml"),
            ("100644", &good, b"ALPHA-good.yaml"),
            ("100644", &good, b"alpha-GOOD.yaml"),
            ("100644", &good, b"back\\slash.yaml"),
            ("120000", &link, b"climbing.yaml"),
            ("160000", nowhere, b"module.yaml"),
            ("100644", &good, b"new\nline.yaml"),
            ("100644", &good, &long),
            ("100755", &good, b"runs.yaml"),
        ],
    );
    let services = tree(
        &world,
        &[
            ("40000", &alpha, b".."),
            ("40000", &alpha, b".git"),
            ("40000", &alpha, b"GIT~1"),
            ("40000", &alpha, b"alpha"),
            ("120000", &folder, b"beta"),
            ("160000", nowhere, b"gamma"),
        ],
    );
    let modules = format!(
        "[submodule \"m\"]\n\tpath = services/gamma\n\turl = file://{}\n",
        world.path("canary.yaml").display()
    );
    let modules = blob(&world, modules.as_bytes());
    let root = tree(
        &world,
        &[
            ("100644", &modules, b".gitmodules"),
            ("120000", &link, b"CODEOWNERS"),
            ("40000", &services, b"services"),
            ("120000", &link, b"trueline.yaml"),
        ],
    );
    put(&world, &root);
    let said = check(&world, "catalog.git");
    for part in ["climbing.yaml", "module.yaml", "trueline.yaml"] {
        assert!(said.contains(part), "{part} is passed over: {said}");
    }
}

#[test]
fn trees_that_never_end() {
    let world = World::new();
    let good = blob(&world, service("alpha-good", 1).as_bytes());
    // As deep as nobody nests, and as wide as twelve objects can make it: 8^12 files.
    let mut deep = tree(&world, &[("100644", &good, b"alpha-good.yaml")]);
    for _ in 0..400 {
        deep = tree(&world, &[("40000", &deep, b"d")]);
    }
    let mut wide = tree(&world, &[("100644", &good, b"alpha-good.yaml")]);
    for _ in 0..12 {
        let names: [&[u8]; 8] = [b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h"];
        let entries: Vec<(&str, &str, &[u8])> =
            names.iter().map(|name| ("40000", wide.as_str(), *name)).collect();
        wide = tree(&world, &entries);
    }
    for (what, hostile, told) in
        [("deep", deep, "nested deeper"), ("wide", wide, "exceeds the limit")]
    {
        let services = tree(&world, &[("40000", &hostile, b"alpha")]);
        put(&world, &tree(&world, &[("40000", &services, b"services")]));
        let said = check_as(&world, "catalog.git", "text");
        assert!(said.contains(told), "{what}: {said}");
    }
}

#[test]
fn a_folder_with_things_that_are_no_files() {
    let world = World::new();
    let outside = world.path("outside/alpha");
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join(format!("{CANARY}.yaml")), format!("id: {CANARY}\n")).unwrap();
    let work = world.path("work");
    let alpha = work.join("services/alpha");
    fs::create_dir_all(&alpha).unwrap();
    fs::write(alpha.join("alpha-good.yaml"), service("alpha-good", 1)).unwrap();
    let pipe = alpha.join("pipe.yaml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    symlink("/dev/zero", alpha.join("zero.yaml")).unwrap();
    symlink(&outside, work.join("services/beta")).unwrap();
    symlink(world.path("outside"), work.join("catalog")).unwrap();
    symlink(&work, work.join("services/loop")).unwrap();
    let said = check(&world, "work");
    assert!(said.contains("pipe.yaml") && said.contains("zero.yaml"), "{said}");
}
