//! The example of a cluster: every file of it is what it is meant to be, and what one says of another is so.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_yaml::Value;

use crate::support::{aquariumd, text};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/cluster").join(name)
}

/// The documents of a file.
fn documents(name: &str) -> Vec<Value> {
    let yaml = fs::read_to_string(example(name)).unwrap();
    let documents = serde_yaml::Deserializer::from_str(&yaml);
    let documents = documents.map(|document| {
        let mut document = Value::deserialize(document).unwrap_or_else(|error| panic!("{name}: {error}"));
        document.apply_merge().unwrap();
        document
    });
    documents.collect()
}

fn words(list: &Value) -> BTreeSet<String> {
    list.as_sequence().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// The host of an address `http://HOST:PORT`.
fn host(address: &str) -> String {
    let host = address.strip_prefix("http://").unwrap().rsplit_once(':').unwrap().0;
    host.to_owned()
}

/// The program reads a configuration without complaint.
fn check_configuration(file: &Path) {
    let output = aquariumd(&["config", "--config", file.to_str().unwrap()]).output().unwrap();
    assert!(output.status.success(), "{}: {}", file.display(), text(&output.stderr));
}

#[test]
fn the_nodes_of_the_compose_file_read_their_configuration_and_answer_to_their_names() {
    check_configuration(&example("aquarium.yaml"));
    let configuration = &documents("aquarium.yaml")[0];
    let compose = &documents("compose.yaml")[0];
    let services = compose["services"].as_mapping().unwrap();
    let addresses = services
        .values()
        .filter_map(|service| service["environment"]["AQUARIUM_CLUSTER_ADDRESS"].as_str().map(host));
    let addresses: BTreeSet<String> = addresses.collect();
    assert_eq!(addresses.len(), 3);
    assert_eq!(addresses, words(&configuration["http"]["hosts"]));
    for url in words(&configuration["brokers"][0]["urls"]) {
        assert!(services.contains_key(url.strip_prefix("amqp://").unwrap()), "{url}");
    }
}

#[test]
fn the_compose_file_publishes_ports_on_loopback_alone_and_every_service_is_looked_after() {
    let compose = &documents("compose.yaml")[0];
    for (name, service) in compose["services"].as_mapping().unwrap() {
        assert!(service["healthcheck"]["test"].is_sequence(), "{name:?}");
        assert_eq!(service["restart"], "unless-stopped", "{name:?}");
        for port in service["ports"].as_sequence().into_iter().flatten() {
            assert!(port.as_str().unwrap().starts_with("127.0.0.1:"), "{name:?} {port:?}");
        }
        for volume in words(&service["volumes"]) {
            let source = volume.split(':').next().unwrap();
            match source.strip_prefix("./") {
                Some(file) => assert!(example(file).exists(), "{name:?} {file}"),
                None => assert!(compose["volumes"].get(source).is_some(), "{name:?} {source}"),
            }
        }
    }
}

#[test]
fn the_script_makes_every_secret_that_the_compose_file_names_and_no_other_when_it_is_repeated() {
    let place = tempfile::tempdir().unwrap();
    let script = place.path().join("secrets.sh");
    fs::copy(example("secrets.sh"), &script).unwrap();
    let make = || {
        let output = Command::new("sh").arg(&script).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let files = fs::read_dir(place.path().join("secrets")).unwrap().map(|file| file.unwrap());
        let mut files: Vec<(String, String)> = files
            .map(|file| (text(file.file_name().as_encoded_bytes()), fs::read_to_string(file.path()).unwrap()))
            .collect();
        files.sort();
        files
    };
    let made = make();
    let names: BTreeSet<String> = made.iter().map(|(name, _)| name.clone()).collect();
    let secrets = &documents("compose.yaml")[0]["secrets"];
    let named = secrets.as_mapping().unwrap().values();
    let named: BTreeSet<String> = named
        .map(|secret| secret["file"].as_str().unwrap().strip_prefix("./secrets/").unwrap().to_owned())
        .collect();
    assert_eq!(names, named);
    let values: BTreeSet<&String> = made.iter().map(|(_, value)| value).collect();
    assert_eq!(values.len(), made.len(), "each is made by chance for itself");
    let definitions: serde_json::Value = made
        .iter()
        .find(|(name, _)| name == "rabbitmq.definitions")
        .map(|(_, definitions)| serde_json::from_str(definitions).unwrap())
        .unwrap();
    // Four bytes of salt and 32 of SHA-256, in base64.
    assert_eq!(definitions["users"][0]["password_hash"].as_str().unwrap().len(), 48);
    assert_eq!(make(), made);
}

#[test]
fn the_manifests_fit_together() {
    let listed = &documents("kubernetes/kustomization.yaml")[0]["resources"];
    let mut all = Vec::new();
    for file in words(listed) {
        all.extend(documents(&format!("kubernetes/{file}")));
    }
    let one = |kind: &str, name: &str| {
        let found = all.iter().find(|found| found["kind"] == kind && found["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("{kind} {name}"))
    };
    let configuration = one("ConfigMap", "aquarium")["data"]["aquarium.yaml"].as_str().unwrap();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("aquarium.yaml");
    fs::write(&file, configuration).unwrap();
    check_configuration(&file);

    let set = &one("StatefulSet", "aquarium")["spec"];
    let container = &set["template"]["spec"]["containers"][0];
    let mut variables = container["env"].as_sequence().unwrap().iter();
    let address = variables.find(|variable| variable["name"] == "AQUARIUM_CLUSTER_ADDRESS");
    let address = host(address.unwrap()["value"].as_str().unwrap());
    let configuration: Value = serde_yaml::from_str(configuration).unwrap();
    let hosts = words(&configuration["http"]["hosts"]);
    for number in 0..set["replicas"].as_u64().unwrap() {
        let name = address.replace("$(POD_NAME)", &format!("aquarium-{number}"));
        let name = name.replace("$(POD_NAMESPACE)", "aquarium");
        assert!(hosts.contains(&name), "{name}");
    }
    one("Service", set["serviceName"].as_str().unwrap());

    let mounted = container["volumeMounts"].as_sequence().unwrap().iter();
    let mounted: Vec<&str> = mounted.map(|mount| mount["mountPath"].as_str().unwrap()).collect();
    let store = &configuration["store"]["password_file"];
    let files =
        [store, &configuration["cluster"]["secret_file"], &configuration["brokers"][0]["password_file"]];
    for file in files.map(|file| file.as_str().unwrap()) {
        assert!(mounted.iter().any(|path| file.starts_with(&format!("{path}/"))), "{file}");
    }
}
