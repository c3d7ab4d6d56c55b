# To be sourced, from the project's root.
#
# uv does not read pip's configuration, so say it again in uv's words. Where this machine gets its packages from is
# the machine's business: no address stands in this project.
while IFS='=' read -r name value; do
  [[ -n $value ]] && export "$name=$value"
done < <(.venv/bin/python -m pip config list | .venv/bin/python -c '
import ast, sys

meaning = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "no-index": ("UV_NO_INDEX", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
    "trusted-host": ("UV_INSECURE_HOST", " "),
}
for line in sys.stdin:
    key, _, value = line.strip().partition("=")
    section, _, option = key.partition(".")
    if section in ("global", "install", ":env:") and option in meaning:
        name, separator = meaning[option]
        print(f"{name}={separator.join(ast.literal_eval(value).split())}")
')
