//! Unpacks the files of Swagger UI that the page at `/docs` needs, so that they are compiled in.
//!
//! They come in a crate, as their makers publish them: nothing is downloaded, neither when building nor
//! by the browser. The crate `utoipa-swagger-ui` would do this, too, but compiles all of the folder in,
//! source maps and all: 13 MB instead of 1.6.

use std::error::Error;
use std::fs::File;
use std::io::{self, Cursor};
use std::path::PathBuf;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

const FILES: [&str; 2] = ["swagger-ui-bundle.js", "swagger-ui.css"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    let folder = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    // The folder on top has the version in its name.
    let top = archive.by_index(0)?.name()?.split('/').next().unwrap_or_default().to_owned();
    for name in FILES {
        let mut file = archive.by_name(&format!("{top}/dist/{name}"))?;
        io::copy(&mut file, &mut File::create(folder.join(name))?)?;
    }
    Ok(())
}
