//! Packages: what their manifests say about dependencies, and the dependency on candor.

use std::fs;
use std::path::{Path, PathBuf};

use super::file::HttpLayers;

use toml_edit::{Array, DocumentMut, InlineTable, Item, TableLike, Value};

/// A package whose sources are read.
#[derive(Debug, Default)]
pub(super) struct Package {
    pub(super) manifest: PathBuf,
    /// Whether it depends on version 1 of `uuid`.
    pub(super) has_uuid: bool,
    /// Whether its HTTP crates use version 1 of `http`.
    pub(super) has_http_1: bool,
    /// candor's feature for its version of axum.
    axum: Option<&'static str>,
    /// candor's feature for its version of tonic.
    pub(super) tonic: Option<&'static str>,
    /// The name of its library.
    pub(super) library: String,
    /// Crates with `#[macro_use]` at the root of the package.
    pub(super) macro_crates: Vec<String>,
}

impl Package {
    /// The package whose manifest is in the nearest folder above `file`.
    pub(super) fn folder_of(file: &Path) -> Option<PathBuf> {
        let is_package = |folder: &&Path| {
            fs::read_to_string(folder.join("Cargo.toml"))
                .is_ok_and(|text| text.contains("[package]"))
        };
        file.ancestors().skip(1).find(is_package).map(Path::to_owned)
    }

    pub(super) fn read(folder: &Path) -> Self {
        let manifest = folder.join("Cargo.toml");
        let document = document(&manifest);
        let workspace = folder
            .ancestors()
            .skip(1)
            .map(|above| above.join("Cargo.toml"))
            .find_map(|above| document_with_workspace(&above));
        let requirement = |name: &str| -> Option<String> {
            let tables = ["dependencies", "dev-dependencies"];
            let item = tables.iter().find_map(|table| document.as_ref()?.get(table)?.get(name))?;
            if is_inherited(item) {
                let tables = [workspace.as_ref(), document.as_ref()];
                return tables.into_iter().flatten().find_map(|document| {
                    version(document.get("workspace")?.get("dependencies")?.get(name)?)
                });
            }
            version(item)
        };
        let minor = |name: &str| requirement(name).and_then(|text| major_and_minor(&text));
        let axum = minor("axum");
        let tonic = minor("tonic").and_then(|version| match version {
            (0, 12) => Some("tonic_0_12"),
            (0, 13) => Some("tonic_0_13"),
            version => (version >= (0, 14)).then_some("tonic"),
        });
        let name = |table: &str| document.as_ref()?.get(table)?.get("name")?.as_str();
        let library = name("lib").or_else(|| name("package")).unwrap_or_default().replace('-', "_");
        let macro_crates = ["src/lib.rs", "src/main.rs"].iter().flat_map(|root| {
            fs::read_to_string(folder.join(root))
                .map(|text| macro_crates(&text))
                .unwrap_or_default()
        });
        Package {
            has_uuid: minor("uuid").is_some_and(|(major, _)| major == 1),
            has_http_1: axum.is_none_or(|version| version >= (0, 7))
                && minor("tower-http").is_none_or(|version| version >= (0, 5))
                && minor("http").is_none_or(|version| version >= (1, 0)),
            axum: axum.map(|version| if version >= (0, 8) { "axum" } else { "axum_0_7" }),
            tonic,
            library,
            macro_crates: macro_crates.collect(),
            manifest,
        }
    }

    /// The features of candor that the package needs.
    fn features(&self, layers: HttpLayers) -> Vec<&'static str> {
        let http = layers.http.then(|| self.axum.unwrap_or("http"));
        let grpc = self.tonic.filter(|_| layers.grpc);
        http.into_iter().chain(grpc).collect()
    }

    /// The manifest with a dependency on candor. The error is a message.
    pub(super) fn with_candor(&self, text: &str, layers: HttpLayers) -> Result<String, String> {
        let features = self.features(layers);
        let line = dependency(&features);
        let mut document: DocumentMut = text.parse().map_err(|_| {
            format!("the manifest can't be read; add `candor = {line}` to its dependencies")
        })?;
        if let Some(known) = document.get("dependencies").and_then(|table| table.get("candor")) {
            let has = |feature: &str| {
                let listed = known.get("features").and_then(Item::as_array);
                listed.is_some_and(|list| {
                    list.iter().any(|item| {
                        let framework = feature.split('_').next().unwrap_or(feature);
                        item.as_str().is_some_and(|item| {
                            item == feature
                                || item.starts_with(framework)
                                || (framework == "http" && item.starts_with("axum"))
                        })
                    })
                })
            };
            return match features.iter().find(|feature| !has(feature)) {
                Some(feature) if !is_inherited(known) => {
                    Err(format!("add the `{feature}` feature to the dependency on candor"))
                }
                _ => Ok(text.to_owned()),
            };
        }
        let table = document.entry("dependencies").or_insert_with(toml_edit::table);
        let Some(table) = table.as_table_like_mut() else {
            return Err(format!("add `candor = {line}` to the dependencies"));
        };
        insert(table, &features);
        Ok(document.to_string())
    }
}

fn insert(table: &mut dyn TableLike, features: &[&str]) {
    // `0.1` for `0.1.0`.
    let version = env!("CARGO_PKG_VERSION").rsplit_once('.').map_or("0.1", |(version, _)| version);
    let value = if features.is_empty() {
        Value::from(version)
    } else {
        let mut inline = InlineTable::new();
        inline.insert("version", version.into());
        inline.insert("features", Value::Array(features.iter().copied().collect::<Array>()));
        Value::InlineTable(inline)
    };
    table.insert("candor", toml_edit::value(value));
}

fn dependency(features: &[&str]) -> String {
    let version = env!("CARGO_PKG_VERSION").rsplit_once('.').map_or("0.1", |(version, _)| version);
    if features.is_empty() {
        return format!("\"{version}\"");
    }
    let features: Vec<_> = features.iter().map(|feature| format!("\"{feature}\"")).collect();
    format!("{{ version = \"{version}\", features = [{}] }}", features.join(", "))
}

fn document(path: &Path) -> Option<DocumentMut> {
    fs::read_to_string(path).ok()?.parse().ok()
}

fn document_with_workspace(path: &Path) -> Option<DocumentMut> {
    document(path).filter(|document| document.contains_key("workspace"))
}

fn is_inherited(item: &Item) -> bool {
    item.get("workspace").and_then(Item::as_bool) == Some(true)
}

fn version(item: &Item) -> Option<String> {
    item.as_str().or_else(|| item.get("version")?.as_str()).map(str::to_owned)
}

/// The major and minor version: `(0, 8)` for `^0.8.1`, `(1, 0)` for `1`.
fn major_and_minor(requirement: &str) -> Option<(u64, u64)> {
    let digits = requirement.trim_start_matches(|c: char| !c.is_ascii_digit());
    let mut parts = digits.split(|c: char| !c.is_ascii_digit());
    let major = parts.next()?.parse().ok()?;
    Some((major, parts.next().and_then(|minor| minor.parse().ok()).unwrap_or(0)))
}

/// The crates that follow `#[macro_use] extern crate`.
fn macro_crates(text: &str) -> Vec<String> {
    let after = text.split("#[macro_use]").skip(1);
    let names = after.filter_map(|rest| rest.trim_start().strip_prefix("extern crate "));
    names
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTP: HttpLayers = HttpLayers { http: true, grpc: false };

    #[test]
    fn a_dependency_is_added_once_and_the_rest_stays() {
        let package = Package { axum: Some("axum"), ..Package::default() };
        let text = "[package]\nname = \"a\" # its name\n\n[dependencies]\naxum   = \"0.8\"\n\n[features]\n";
        let new = package.with_candor(text, HTTP).expect("a manifest");
        let line = "candor = { version = \"0.1\", features = [\"axum\"] }\n";
        assert_eq!(new, text.replace("\n\n[features]", &format!("\n{line}\n[features]")));
        assert_eq!(package.with_candor(&new, HTTP).as_deref(), Ok(new.as_str()));
        assert_eq!(
            package.with_candor("[package]\n", HttpLayers::default()).as_deref(),
            Ok("[package]\n\n[dependencies]\ncandor = \"0.1\"\n")
        );
        assert!(package.with_candor("[dependencies]\ncandor = \"0.1\"\n", HTTP).is_err());
    }

    #[test]
    fn versions_of_requirements() {
        assert_eq!(major_and_minor("^0.8.1"), Some((0, 8)));
        assert_eq!(major_and_minor(">=1, <3"), Some((1, 0)));
        assert_eq!(major_and_minor("*"), None);
    }
}
