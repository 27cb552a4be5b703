//! Files and folders that only their owner may read or write.

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::error::StoreError;

/// Returns the folder of a file; the working folder for a bare name.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the folder of a file, with its parents, where it is not there; one that is there stays as it is.
pub(super) fn make_folder_of(path: &Path) -> Result<(), StoreError> {
    let folder = folder_of(path);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(StoreError::file("make the folder", folder))
}

/// Opens a file for reading and writing, and makes it where it is not there.
pub(super) fn open_file(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map_err(StoreError::file("open", path))
}

/// Refuses a file that its group or others may use.
pub(super) fn refuse_exposed(path: &Path, file: &File) -> Result<(), StoreError> {
    let mode = file.metadata().map_err(StoreError::file("look at", path))?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(StoreError::Exposed { path: path.to_path_buf(), mode });
    }
    Ok(())
}

/// Makes sure that the names in a folder are on the disk.
pub(super) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(StoreError::file("write in", folder))
}
