//! Prints a greeting, which it keeps as JSON.

fn main() {
    let greeting: serde_json::Value = serde_json::from_str(r#"{"text": "Hello, World!"}"#).expect("it is JSON");
    println!("{}", greeting["text"].as_str().unwrap_or("?"));
}
