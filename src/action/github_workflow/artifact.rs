//! The JSON in an artifact of a run. It is read in memory only, and never more of it than is allowed.

use std::io::{Cursor, Read as _};

use serde_json::Value;
use zip::ZipArchive;

use crate::forge::github::GitHub;
use crate::run::Fault;

/// The largest JSON that is read, in bytes: a step keeps no more.
const MAX_BYTES: u64 = 32 << 10;

/// The largest zip, in bytes; what GitHub says of it before it is downloaded.
const MAX_ZIP_BYTES: u64 = 1 << 20;

/// The most files of a zip.
const MAX_FILES: usize = 100;

/// Downloads an artifact, and reads its one JSON file.
pub(super) async fn read(client: &GitHub, (run, name): (u64, &str)) -> Result<Value, Fault> {
    let found = client.artifact(run, name).await.map_err(|refused| {
        let class = crate::run::FaultClass::Transient;
        Fault { class, ..refused.fault }
    })?;
    let wrong = |why: &str| Fault::terminal(format!("artifact `{name}` of run {run} {why}"));
    let artifact = found.ok_or_else(|| wrong("is not there"))?;
    if artifact.expired {
        return Err(wrong("is kept no longer"));
    }
    if artifact.size_in_bytes > MAX_ZIP_BYTES {
        return Err(wrong("is larger than 1 MiB"));
    }
    let bytes = client.download(artifact.id).await?;
    json_in(&bytes).map_err(|why| wrong(&why))
}

/// Reads the one JSON file of a zip.
fn json_in(bytes: &[u8]) -> Result<Value, String> {
    let broken = |_| "is no zip that can be read".to_owned();
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    if archive.len() > MAX_FILES {
        return Err(format!("holds more than {MAX_FILES} files"));
    }
    let names: Vec<usize> = (0..archive.len())
        .filter(|index| {
            archive
                .name_for_index(*index)
                .is_some_and(|name| name.is_ok_and(|name| name.ends_with(".json")))
        })
        .collect();
    let [index] = names.as_slice() else {
        return Err(format!("holds {} files that end in `.json`; it must be one", names.len()));
    };
    let file = archive.by_index(*index).map_err(broken)?;
    let mut text = Vec::new();
    // What the zip says of its size is not believed.
    file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(|_| "is damaged".to_owned())?;
    if text.len() as u64 > MAX_BYTES {
        return Err("holds JSON of more than 32 KiB".to_owned());
    }
    serde_json::from_slice(&text).map_err(|error| format!("holds no JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::github::fake::zip;

    fn check(files: &[(&str, &[u8])]) -> String {
        match json_in(&zip(files)) {
            Ok(value) => value.to_string(),
            Err(why) => why,
        }
    }

    #[test]
    fn one_json_is_read_and_nothing_larger() {
        assert_eq!(check(&[("log.txt", b"x"), ("out/outputs.json", b"{\"a\": 1}")]), "{\"a\":1}");
        assert_eq!(check(&[]), "holds 0 files that end in `.json`; it must be one");
        assert!(check(&[("a.json", b"1"), ("b.json", b"2")]).starts_with("holds 2 files"));
        assert!(check(&[("a.json", b"{")]).starts_with("holds no JSON"));
        let bomb = vec![b' '; 64 << 20];
        let zipped = zip(&[("a.json", &bomb)]);
        assert!(zipped.len() < 100 << 10, "{}", zipped.len());
        assert_eq!(json_in(&zipped).unwrap_err(), "holds JSON of more than 32 KiB");
        let deep = [vec![b'['; 20_000], vec![b']'; 20_000]].concat();
        assert!(check(&[("a.json", &deep[..30_000])]).starts_with("holds no JSON"));
    }

    #[test]
    fn a_damaged_zip_is_refused() {
        let whole = zip(&[("a.json", b"{\"a\": \"some text that is long enough\"}")]);
        assert!(json_in(b"").is_err() && json_in(b"PK\x03\x04").is_err());
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            let read = json_in(&bytes);
            let same = json_in(&whole);
            assert!(read.is_err() || read == same, "byte {at}");
            assert!(json_in(&whole[..at]).is_err());
        }
    }
}
