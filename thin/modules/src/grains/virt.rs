//! Is the host a machine, a virtual machine or a container? `{virtual, virtual_subtype, virtual_hv_*}`.
//!
//! Salt asks `systemd-detect-virt`, `virt-what` and `dmidecode`; the same signs are read here without them.

use crate::linux::Root;
use halite_wire::Map;
use std::os::unix::fs::MetadataExt;

/// What is found, in Salt's words.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Verdict {
    kind: String,
    subtype: Option<String>,
}

impl Verdict {
    fn set(&mut self, kind: &str) {
        kind.clone_into(&mut self.kind);
    }

    fn set_both(&mut self, kind: &str, subtype: &str) {
        self.set(kind);
        self.subtype = Some(subtype.to_owned());
    }
}

/// All grains of this group.
pub fn gather(root: &Root) -> Map {
    let mut verdict = Verdict { kind: "physical".to_owned(), subtype: None };
    machine(root, &mut verdict);
    if let Some(container) = container(root) {
        match container.as_str() {
            "lxc" | "lxc-libvirt" => verdict.set_both("container", "LXC"),
            "podman" => verdict.set_both("container", "Podman"),
            "docker" => verdict.set_both("container", "Docker"),
            "systemd-nspawn" => verdict.set("systemd-nspawn"),
            _ => {}
        }
    }
    details(root, &mut verdict);
    if verdict.subtype.is_some() && verdict.kind == "physical" {
        verdict.set("virtual");
    }
    amazon(root, &mut verdict);
    let mut grains = Map::from([("virtual", verdict.kind.clone())]);
    grains.extend(verdict.subtype.map(|subtype| ("virtual_subtype", subtype)));
    if verdict.kind.contains("xen") {
        grains.extend(xen(root));
    }
    grains
}

fn dmi(root: &Root, file: &str) -> String {
    root.line(&format!("/sys/class/dmi/id/{file}")).unwrap_or_default()
}

/// What the firmware says of a virtual machine; a paravirtual clock tells where there is no firmware.
fn machine(root: &Root, verdict: &mut Verdict) {
    let all = ["product_name", "sys_vendor", "board_vendor", "bios_vendor", "product_version"]
        .map(|f| dmi(root, f));
    let says = |prefix: &str| all.iter().any(|text| text.starts_with(prefix));
    let clocks =
        root.text("/sys/devices/system/clocksource/clocksource0/available_clocksource").unwrap_or_default();
    if says("VMware") || says("VMW") {
        verdict.set("VMware");
    } else if says("VirtualBox") || says("innotek GmbH") || says("Oracle Corporation") {
        verdict.set("oracle");
    } else if says("Xen") || root.line("/sys/hypervisor/type").as_deref() == Some("xen") {
        verdict.set("xen");
    } else if says("Microsoft Corporation") && dmi(root, "product_name") == "Virtual Machine"
        || says("Hyper-V")
    {
        verdict.set("VirtualPC");
    } else if says("Parallels") {
        verdict.set("Parallels");
    } else if says("BHYVE") {
        verdict.set("bhyve");
    } else if says("Bochs") {
        verdict.set("bochs");
    } else if says("Amazon EC2") && !dmi(root, "product_name").ends_with(".metal") {
        verdict.set_both("Nitro", "Amazon EC2");
    } else if says("KVM")
        || says("OpenStack")
        || says("KubeVirt")
        || says("Google")
        || clocks.contains("kvm-clock")
    {
        verdict.set("kvm");
    } else if says("QEMU") || says("SeaBIOS") {
        verdict.set("qemu");
    } else if root.text("/proc/cpuinfo").is_some_and(|text| text.contains("User Mode Linux")) {
        verdict.set("uml");
    }
}

/// The container manager's name in `systemd-detect-virt`'s words.
fn container(root: &Root) -> Option<String> {
    let written = root.line("/run/systemd/container").filter(|text| !text.is_empty());
    let environment = || {
        let bytes = root.text("/proc/1/environ")?;
        bytes.split('\0').find_map(|pair| pair.strip_prefix("container=")).map(str::to_owned)
    };
    let marked = || {
        let marks = [("/run/.containerenv", "podman"), ("/.dockerenv", "docker")];
        marks.into_iter().find(|(file, _)| root.exists(file)).map(|(_, name)| name.to_owned())
    };
    written.or_else(environment).or_else(marked)
}

/// Finer signs that Salt looks at after all commands.
fn details(root: &Root, verdict: &mut Verdict) {
    if is_chroot(root) {
        verdict.subtype = Some("chroot".to_owned());
    }
    open_vz(root, verdict);
    xen_domain(root, verdict);
    if root.text("/proc/cpuinfo").is_some_and(|text| text.contains("QEMU Virtual CPU")) {
        verdict.set("kvm");
    }
    let product = dmi(root, "product_name");
    match product.as_str() {
        name if name.contains("VirtualBox") => verdict.set("VirtualBox"),
        name if name.contains("RHEV Hypervisor") => verdict.set_both("kvm", "rhev"),
        name if name.contains("oVirt Node") => verdict.set_both("kvm", "ovirt"),
        name if name.contains("Google") => verdict.set("gce"),
        name if name.contains("BHYVE") => verdict.set("bhyve"),
        _ => {}
    }
    let groups = root.text("/proc/1/cgroup").unwrap_or_default();
    if groups.contains(":/lxc/") {
        verdict.set_both("container", "LXC");
    } else if groups.contains(":/kubepods/") {
        verdict.subtype = Some("kubernetes".to_owned());
    } else if groups.contains(":/libpod_parent/") {
        verdict.subtype = Some("libpod".to_owned());
    } else if [":/system.slice/docker", ":/docker/", ":/docker-ce/"].iter().any(|mark| groups.contains(mark))
    {
        verdict.set_both("container", "Docker");
    }
}

fn is_chroot(root: &Root) -> bool {
    let place = |path: &str| std::fs::metadata(root.path(path)).ok().map(|meta| (meta.dev(), meta.ino()));
    place("/proc/1/root/.").is_some_and(|first| Some(first) != place("/"))
}

fn open_vz(root: &Root, verdict: &mut Verdict) {
    if root.is_file("/proc/vz/version") {
        verdict.set("openvzhn");
    } else if root.is_file("/proc/vz/veinfo") {
        verdict.set("openvzve");
    }
    let status = root.text("/proc/self/status").unwrap_or_default();
    match status.lines().find_map(|line| line.strip_prefix("envID:")).map(str::trim) {
        Some("0") => verdict.set("openvzhn"),
        Some(_) => verdict.set("openvzve"),
        None => {}
    }
}

fn xen_domain(root: &Root, verdict: &mut Verdict) {
    if !["/proc/sys/xen", "/sys/bus/xen", "/proc/xen"].into_iter().any(|path| root.is_dir(path)) {
        return;
    }
    let capabilities = root.text("/proc/xen/capabilities");
    let domain = if root.is_file("/proc/xen/xsd_kva") {
        Some("Xen Dom0")
    } else if dmi(root, "product_name") == "HVM domU" {
        Some("Xen HVM DomU")
    } else if let Some(text) = capabilities {
        Some(if text.contains("control_d") { "Xen Dom0" } else { "Xen PV DomU" })
    } else {
        root.is_dir("/sys/bus/xen/drivers/xenconsole").then_some("Xen PV DomU")
    };
    if let Some(domain) = domain {
        verdict.set_both("xen", domain);
    }
}

fn amazon(root: &Root, verdict: &mut Verdict) {
    if !matches!(verdict.kind.as_str(), "qemu" | "kvm" | "xen" | "amazon" | "Nitro") {
        return;
    }
    if dmi(root, "sys_vendor") == "Amazon EC2" {
        if verdict.kind != "xen" {
            verdict.set("Nitro");
        }
        verdict.subtype = Some(format!("Amazon EC2 ({})", dmi(root, "product_name")));
    } else if dmi(root, "product_version").contains(".amazon") {
        verdict.subtype = Some("Amazon EC2".to_owned());
    }
}

/// `{virtual_hv_version, virtual_hv_version_info, virtual_hv_features, virtual_hv_features_list}`.
fn xen(root: &Root) -> Map {
    const FEATURES: &[(u32, &str)] = &[
        (0, "writable_page_tables"),
        (1, "writable_descriptor_tables"),
        (2, "auto_translated_physmap"),
        (3, "supervisor_mode_kernel"),
        (4, "pae_pgdir_above_4gb"),
        (5, "mmu_pt_update_preserve_ad"),
        (7, "gnttab_map_avail_bits"),
        (8, "hvm_callback_vector"),
        (9, "hvm_safe_pvclock"),
        (10, "hvm_pirqs"),
        (11, "dom0"),
        (12, "grant_map_identity"),
        (13, "memory_op_vnode_supported"),
        (14, "ARM_SMCCC_supported"),
    ];
    let mut grains = Map::new();
    let version =
        ["major", "minor", "extra"].map(|part| root.line(&format!("/sys/hypervisor/version/{part}")));
    if let [Some(major), Some(minor), Some(extra)] = version {
        grains.insert("virtual_hv_version", format!("{major}.{minor}{extra}"));
        grains.insert("virtual_hv_version_info", vec![major, minor, extra]);
    }
    let features = root.line("/sys/hypervisor/properties/features");
    if let Some((text, bits)) =
        features.and_then(|text| Some((text.clone(), u64::from_str_radix(&text, 16).ok()?)))
    {
        let names: Vec<&str> =
            FEATURES.iter().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, name)| *name).collect();
        grains.insert("virtual_hv_features", text);
        grains.insert("virtual_hv_features_list", names);
    }
    grains
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// A host with these files, gone when dropped.
    struct Made(PathBuf);

    impl Made {
        fn of(name: &str, files: &[(&str, &str)]) -> Made {
            let root = std::env::temp_dir().join(format!("halite-virt-{}-{name}", std::process::id()));
            for (path, text) in files {
                let path = root.join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            Made(root)
        }

        fn verdict(&self) -> (String, Option<String>) {
            let grains = gather(&Root::at(&self.0));
            (
                grains.get_str("virtual").unwrap().to_owned(),
                grains.get_str("virtual_subtype").map(str::to_owned),
            )
        }
    }

    impl Drop for Made {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn machines_and_containers_have_salts_names() {
        type Case =
            (&'static str, &'static [(&'static str, &'static str)], &'static str, Option<&'static str>);
        let cases: &[Case] = &[
            ("metal", &[("sys/class/dmi/id/sys_vendor", "Dell Inc.\n")], "physical", None),
            ("qemu", &[("sys/class/dmi/id/sys_vendor", "QEMU\n")], "qemu", None),
            ("vmware", &[("sys/class/dmi/id/product_name", "VMware Virtual Platform\n")], "VMware", None),
            ("vbox", &[("sys/class/dmi/id/product_name", "VirtualBox\n")], "VirtualBox", None),
            ("gce", &[("sys/class/dmi/id/product_name", "Google Compute Engine\n")], "gce", None),
            (
                "nitro",
                &[
                    ("sys/class/dmi/id/sys_vendor", "Amazon EC2\n"),
                    ("sys/class/dmi/id/product_name", "m5.large\n"),
                ],
                "Nitro",
                Some("Amazon EC2 (m5.large)"),
            ),
            ("docker", &[(".dockerenv", "")], "container", Some("Docker")),
            ("podman", &[("run/.containerenv", "")], "container", Some("Podman")),
            ("lxc", &[("proc/1/environ", "TERM=linux\0container=lxc\0")], "container", Some("LXC")),
            (
                "pod",
                &[("proc/1/cgroup", "1:name=systemd:/kubepods/besteffort/x\n")],
                "virtual",
                Some("kubernetes"),
            ),
            ("vz", &[("proc/vz/veinfo", "")], "openvzve", None),
            ("xen", &[("proc/xen/capabilities", "control_d\n")], "xen", Some("Xen Dom0")),
        ];
        for (name, files, kind, subtype) in cases {
            let host = Made::of(name, files);
            assert_eq!(host.verdict(), ((*kind).to_owned(), subtype.map(str::to_owned)), "{name}");
        }
    }
}
