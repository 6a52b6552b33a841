//! Processors, memory, firmware, disks and graphics cards, from `/proc` and `/sys`.

use crate::linux::Root;
use halite_wire::{Map, Value};

/// All grains of this group.
pub fn gather(root: &Root) -> Map {
    let mut grains = processors(&root.text("/proc/cpuinfo").unwrap_or_default());
    grains.extend(memory(&root.text("/proc/meminfo").unwrap_or_default()));
    grains.extend(firmware(root));
    grains.extend(disks(root));
    grains.extend(raids(root));
    grains.extend(graphics(root));
    grains.extend(secure_boot(root));
    grains.insert("fibre_channel_host", root.is_dir("/sys/class/fc_host"));
    grains
}

/// `{num_cpus, cpu_model, cpu_flags}` of `/proc/cpuinfo`, which every architecture words differently.
fn processors(text: &str) -> Map {
    let (mut count, mut model, mut flags) = (0, None, Vec::new());
    for (key, value) in text.lines().filter_map(|line| line.split_once(':')) {
        let value = value.split(':').next().unwrap_or_default().trim();
        match key.trim() {
            "processor" => count += 1,
            "# processors" => count = value.parse().unwrap_or(count),
            "vendor_id" | "model name" | "cpu" => model = Some(value),
            "flags" | "Features" => flags = value.split_whitespace().collect(),
            "Processor" => (model, count) = (value.split('-').next(), 1),
            _ => {}
        }
    }
    Map::from([
        ("num_cpus", Value::Int(count)),
        ("cpu_model", model.unwrap_or("Unknown").into()),
        ("cpu_flags", flags.into()),
    ])
}

/// `{mem_total, swap_total}` in MiB.
fn memory(text: &str) -> Map {
    let mib = |key: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        value.and_then(|value| value.split_whitespace().next()?.parse::<i64>().ok()).unwrap_or(0) / 1024
    };
    Map::from([("mem_total", mib("MemTotal")), ("swap_total", mib("SwapTotal"))])
}

/// DMI of PCs, else the device tree of boards. The serial number and uuid are readable by the superuser only.
fn firmware(root: &Root) -> Map {
    const FILES: &[(&str, &str)] = &[
        ("biosversion", "bios_version"),
        ("biosvendor", "bios_vendor"),
        ("boardname", "board_name"),
        ("productname", "product_name"),
        ("manufacturer", "sys_vendor"),
        ("biosreleasedate", "bios_date"),
        ("uuid", "product_uuid"),
        ("serialnumber", "product_serial"),
    ];
    let mut grains = device_tree(root);
    for (grain, file) in FILES {
        if let Some(text) = root.line(&format!("/sys/class/dmi/id/{file}")) {
            grains.insert(*grain, if *grain == "uuid" { text.to_lowercase() } else { text });
        }
    }
    grains
}

fn device_tree(root: &Root) -> Map {
    let read = |name: &str| {
        let text = root.text(&format!("/proc/device-tree/{name}"))?;
        Some(text.trim_end_matches('\0').to_owned()).filter(|text| !text.is_empty())
    };
    let mut grains = Map::new();
    if let Some(model) = read("model") {
        let (maker, product) = model.split_once(',').map_or((None, model.as_str()), |(m, p)| (Some(m), p));
        grains.extend(maker.map(|maker| ("manufacturer", maker)));
        grains.insert("productname", product);
    }
    grains.extend(read("serial-number").or_else(|| read("system-id")).map(|serial| ("serialnumber", serial)));
    grains
}

/// `{disks, ssds}`: block devices that are no mere software, by whether they turn.
fn disks(root: &Root) -> Map {
    let (mut turning, mut solid) = (Vec::new(), Vec::new());
    for name in root.names("/sys/block") {
        let target = std::fs::read_link(root.path(format!("/sys/block/{name}"))).unwrap_or_default();
        if target.starts_with("../devices/virtual") {
            continue;
        }
        match root.line(&format!("/sys/block/{name}/queue/rotational")).as_deref() {
            Some("0") => solid.push(name),
            Some("1") => turning.push(name),
            _ => {}
        }
    }
    Map::from([("disks", turning), ("ssds", solid)])
}

/// `{mdadm}`: software raids, where the kernel has them.
fn raids(root: &Root) -> Map {
    let Some(text) = root.text("/proc/mdstat") else { return Map::new() };
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("Personalities : ") && !line.starts_with("unused devices:"));
    let mut names: Vec<&str> =
        lines.filter_map(|line| line.split_once(" : ")).map(|(name, _)| name).collect();
    names.sort_unstable();
    Map::from([("mdadm", names)])
}

/// `{num_gpus, gpus: [{vendor, model}]}`, with the names of the PCI database where the host has one.
fn graphics(root: &Root) -> Map {
    let mut cards = Vec::new();
    for device in root.names("/sys/bus/pci/devices") {
        let read = |file: &str| {
            let text = root.line(&format!("/sys/bus/pci/devices/{device}/{file}"))?;
            Some(text.trim_start_matches("0x").to_owned())
        };
        let is_graphics =
            read("class").is_some_and(|c| ["0300", "0302", "0380", "1200"].iter().any(|g| c.starts_with(g)));
        if let (true, Some(vendor), Some(model)) = (is_graphics, read("vendor"), read("device")) {
            cards.push((vendor, model));
        }
    }
    let database = if cards.is_empty() { None } else { pci_database(root) };
    let gpus: Vec<Value> = cards
        .iter()
        .map(|(vendor, model)| {
            let known = database.as_deref().and_then(|text| pci_name(text, vendor, model));
            let model = known.unwrap_or_else(|| format!("Device {model}"));
            Value::Map(Map::from([("vendor", gpu_vendor(vendor).to_owned()), ("model", model)]))
        })
        .collect();
    Map::from([("num_gpus", Value::from(gpus.len())), ("gpus", gpus.into())])
}

fn gpu_vendor(id: &str) -> &'static str {
    match id {
        "10de" => "nvidia",
        "1002" | "1022" => "amd",
        "8086" => "intel",
        "15ad" => "vmware",
        "102b" => "matrox",
        "1a03" => "aspeed",
        _ => "unknown",
    }
}

fn pci_database(root: &Root) -> Option<String> {
    ["/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"].into_iter().find_map(|file| root.text(file))
}

/// The lines of a vendor follow it, with one tab.
fn pci_name(database: &str, vendor: &str, model: &str) -> Option<String> {
    let mut lines = database.lines().skip_while(|line| !line.starts_with(vendor)).skip(1);
    let mut models = lines.by_ref().take_while(|line| line.starts_with('\t') || line.starts_with('#'));
    models.find_map(|line| Some(line.strip_prefix('\t')?.strip_prefix(model)?.trim().to_owned()))
}

/// `{efi, efi-secure-boot}`.
fn secure_boot(root: &Root) -> Map {
    let folder =
        ["/sys/firmware/efi/efivars", "/sys/firmware/efi/vars"].into_iter().find(|path| root.exists(path));
    let is_secure = folder.is_some_and(|folder| {
        let names = root.names(folder);
        let mut switches = names.iter().filter(|name| name.starts_with("SecureBoot-"));
        let file = if folder.ends_with("efivars") { "" } else { "/data" };
        match (switches.next(), switches.next()) {
            (Some(name), None) => {
                root.bytes(&format!("{folder}/{name}{file}")).is_some_and(|b| b.last() == Some(&1))
            }
            _ => false,
        }
    });
    Map::from([("efi", folder.is_some()), ("efi-secure-boot", is_secure)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_of_other_architectures_are_counted() {
        let x86 = "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu vme\n\nprocessor\t: 1\nmodel name\t: AMD EPYC\n";
        let grains = processors(x86);
        assert_eq!(
            (grains.get("num_cpus"), grains.get_str("cpu_model")),
            (Some(&Value::Int(2)), Some("AMD EPYC"))
        );
        assert_eq!(grains.get("cpu_flags"), Some(&Value::from(vec!["fpu", "vme"])));
        let s390 = "vendor_id       : IBM/S390\n# processors    : 4\nbogomips per cpu: 3033.00\n";
        assert_eq!(processors(s390).get("num_cpus"), Some(&Value::Int(4)));
        let arm = "Processor\t: ARMv6-compatible processor rev 7 (v6l)\nFeatures\t: swp half\n";
        assert_eq!(processors(arm).get_str("cpu_model"), Some("ARMv6"));
        assert_eq!(processors("").get_str("cpu_model"), Some("Unknown"));
    }

    #[test]
    fn memory_is_in_mebibytes() {
        let grains = memory("MemTotal:       24684284 kB\nMemFree: 1 kB\nSwapTotal:       2097148 kB\n");
        assert_eq!(grains, Map::from([("mem_total", 24105), ("swap_total", 2047)]));
    }

    #[test]
    fn graphics_cards_have_names_from_the_pci_database() {
        let database = "10de  NVIDIA Corporation\n\t2204  GA102 [GeForce RTX 3090]\n\t\t1462 3881  x\n1af4  Red Hat\n\t1050  Virtio\n";
        assert_eq!(pci_name(database, "10de", "2204").as_deref(), Some("GA102 [GeForce RTX 3090]"));
        assert_eq!(pci_name(database, "10de", "1050"), None);
    }
}
