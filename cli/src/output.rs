//! Where results go: stdout, or a file that `--out` names.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use crate::error::Error;

/// Writes a whole result. A file is written beside and then renamed, so
/// that nobody finds half of one.
pub(crate) fn write(result: &(impl AsRef<[u8]> + ?Sized), out: Option<&Path>) -> Result<(), Error> {
    let result = result.as_ref();
    let Some(path) = out else {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(result).and_then(|()| stdout.flush());
        return written.map_err(|error| Error::Io { doing: "writing to stdout".to_owned(), error });
    };
    let failed = |error| Error::Io { doing: format!("writing {}", path.display()), error };
    // A device or pipe cannot be replaced.
    if path.exists() && !path.is_file() {
        return fs::write(path, result).map_err(failed);
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = Path::new(&beside);
    fs::write(beside, result).map_err(failed)?;
    fs::rename(beside, path).map_err(failed)
}
