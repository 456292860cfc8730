//! The format file for lnav, where lnav is installed.

use std::process::Command;

use super::*;

#[test]
fn lnav_reads_requests_as_operations_with_levels_and_durations() {
    if Command::new("lnav").arg("-V").output().is_err() {
        eprintln!("skipped: lnav is not installed");
        return;
    }
    let folder = Folder::new("lnav");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let lnav = |args: &[&str]| {
        let output = Command::new("lnav")
            .args(args)
            .env("HOME", &folder.0)
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text
    };
    let format = root.join("contrib/lnav/candor.json");
    lnav(&["-i", format.to_str().expect("UTF-8")]);
    let mut lines = failing("r-7");
    let error = "\"error\":\"timeout\",\"error_type\":\"shop::Late\",\"error_detail\":\"no answer\",\
                 \"error_fields\":{\"order\":7}";
    let call = lines[2].replace("\"error\":\"timeout\"", error);
    lines[2] = call.replace("\"status\":null", "\"status\":null,\"grpc_status\":4");
    let log = folder.file("app.log", &joined(&lines));
    let query = ";select log_level, log_opid, duration_ms, dependency, grpc_status, error_type from candor_log";
    let rows = lnav(&["-n", "-c", query, "-c", ":write-csv-to -", &log]);
    let wanted = "\
log_level,log_opid,duration_ms,dependency,grpc_status,error_type
info,r-7,10,<NULL>,<NULL>,<NULL>
warning,r-7,<NULL>,<NULL>,<NULL>,<NULL>
error,r-7,55,payments,4,shop::Late
warning,r-7,97,<NULL>,<NULL>,<NULL>
error,r-7,100,<NULL>,<NULL>,<NULL>
";
    assert_eq!(rows.replace(".0,", ","), wanted);
    let shown = lnav(&["-n", &log]);
    assert!(shown.contains("payments charge") && shown.contains("timeout no answer"), "{shown}");
}
