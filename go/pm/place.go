package pm

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Option changes where Dial looks for the daemon, and how it gets in.
type Option func(*options)

type options struct {
	socket, address, context string
	tls                      *tls.Config
	username, password       string
	getenv                   func(string) string
}

// WithSocket names the daemon's unix socket, an absolute path. Its permissions
// are the authentication.
func WithSocket(path string) Option { return func(o *options) { o.socket = path } }

// WithAddress names a daemon that listens on TCP, as https://host:port. It needs
// WithTLS and WithUser, or the variables PM_TLS_CA, PM_TLS_CERT, PM_TLS_KEY,
// PM_USER and PM_PASSWORD_FILE.
func WithAddress(address string) Option { return func(o *options) { o.address = address } }

// WithContext names a context of `pm context`; "default" is the local socket.
func WithContext(name string) Option { return func(o *options) { o.context = name } }

// WithTLS says which authorities to trust and which certificate to show. The
// least version is TLS 1.3, whatever the configuration says.
func WithTLS(config *tls.Config) Option { return func(o *options) { o.tls = config } }

// WithUser gives the name and password of a user that the daemon knows.
func WithUser(name, password string) Option {
	return func(o *options) { o.username, o.password = name, password }
}

// place is a daemon's place: a socket, or a base URL with what it wants to see.
type place struct {
	socket             string
	baseURL            string
	tls                *tls.Config
	username, password string
}

const localContext = "default"

// resolve finds the daemon by the rules of the pm command.
func resolve(o options) (place, error) {
	named := 0
	for _, text := range []string{o.socket, o.address, o.context} {
		if text != "" {
			named++
		}
	}
	if named > 1 {
		return place{}, errors.New("pm: give either a socket, an address or a context")
	}
	if o.socket != "" {
		return unixPlace(o.socket)
	}
	host := o.address
	if host == "" && o.context == "" {
		host = o.getenv("PM_HOST")
	}
	if host != "" {
		if path, ok := strings.CutPrefix(host, "unix://"); ok {
			return unixPlace(path)
		}
		return o.remote(host)
	}
	return o.fromContexts()
}

func (o options) remote(address string) (place, error) {
	at := place{baseURL: address, tls: o.tls, username: o.username, password: o.password}
	var err error
	if at.tls == nil {
		at.tls, err = tlsFrom(o.getenv("PM_TLS_CA"), o.getenv("PM_TLS_CERT"), o.getenv("PM_TLS_KEY"))
		if err != nil {
			return place{}, err
		}
	}
	if at.username == "" && o.getenv("PM_USER") != "" && o.getenv("PM_PASSWORD_FILE") != "" {
		at.username = o.getenv("PM_USER")
		if at.password, err = readPassword(o.getenv("PM_PASSWORD_FILE")); err != nil {
			return place{}, err
		}
	}
	return httpsPlace(at)
}

// contextFile is what `pm context` keeps in contexts.json.
type contextFile struct {
	Current  string                  `json:"current"`
	Contexts map[string]contextEntry `json:"contexts"`
}

type contextEntry struct {
	Address      string `json:"address"`
	CA           string `json:"ca"`
	Cert         string `json:"cert"`
	Key          string `json:"key"`
	Username     string `json:"username"`
	PasswordFile string `json:"passwordFile"`
}

func (o options) fromContexts() (place, error) {
	path := contextsPath(o.getenv)
	file, err := readContexts(path)
	if err != nil {
		return place{}, err
	}
	name := o.context
	for _, next := range []string{o.getenv("PM_CONTEXT"), file.Current, localContext} {
		if name == "" {
			name = next
		}
	}
	if name == localContext {
		return unixPlace(defaultSocket(o.getenv))
	}
	entry, ok := file.Contexts[name]
	if !ok {
		return place{}, fmt.Errorf("pm: there is no context %q in %s: make one with `pm context add`", name, path)
	}
	if socket, ok := strings.CutPrefix(entry.Address, "unix://"); ok {
		return unixPlace(socket)
	}
	beside := func(name string) string {
		if name == "" || filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(filepath.Dir(path), name)
	}
	at := place{baseURL: entry.Address, tls: o.tls, username: o.username, password: o.password}
	if at.tls == nil {
		if at.tls, err = tlsFrom(beside(entry.CA), beside(entry.Cert), beside(entry.Key)); err != nil {
			return place{}, err
		}
	}
	if at.username == "" && entry.Username != "" && entry.PasswordFile != "" {
		at.username = entry.Username
		if at.password, err = readPassword(beside(entry.PasswordFile)); err != nil {
			return place{}, err
		}
	}
	return httpsPlace(at)
}

func readContexts(path string) (contextFile, error) {
	var file contextFile
	text, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return file, nil
	}
	if err != nil {
		return file, fmt.Errorf("pm: %w", err)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return file, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return file, fmt.Errorf("pm: %s: %w", path, err)
	}
	return file, nil
}

func contextsPath(getenv func(string) string) string {
	directory := getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(directory) {
		home := getenv("HOME")
		if home == "" {
			home, _ = os.UserHomeDir()
		}
		directory = filepath.Join(home, ".config")
	}
	return filepath.Join(directory, "pm", "contexts.json")
}

func defaultSocket(getenv func(string) string) string {
	if directory := getenv("PM_RUNTIME_DIR"); directory != "" {
		return filepath.Join(directory, "pm.sock")
	}
	if os.Getuid() == 0 {
		return "/run/pm/pm.sock"
	}
	if directory := getenv("XDG_RUNTIME_DIR"); directory != "" {
		return filepath.Join(directory, "pm", "pm.sock")
	}
	return fmt.Sprintf("/dev/shm/pm-%d/pm.sock", os.Getuid())
}

func unixPlace(path string) (place, error) {
	if !filepath.IsAbs(path) {
		return place{}, fmt.Errorf("pm: the socket's path must be absolute, not %q", path)
	}
	return place{socket: path, baseURL: "http://localhost"}, nil
}

func httpsPlace(at place) (place, error) {
	u, err := url.Parse(at.baseURL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		// The text may hold a password, so it is not repeated.
		return place{}, errors.New("pm: the daemon's address must look like unix:///path or https://host:port")
	}
	at.baseURL = "https://" + u.Host
	if at.tls == nil {
		at.tls = &tls.Config{}
	} else {
		at.tls = at.tls.Clone()
	}
	at.tls.MinVersion = tls.VersionTLS13
	return at, nil
}

func tlsFrom(ca, cert, key string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS13}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("pm: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("pm: %s holds no certificate", ca)
		}
	}
	if cert == "" || key == "" {
		return config, nil
	}
	certPEM, err := os.ReadFile(cert)
	if err != nil {
		return nil, fmt.Errorf("pm: %w", err)
	}
	keyPEM, err := readPrivate(key)
	if err != nil {
		return nil, fmt.Errorf("pm: %w", err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("pm: %s: %w", cert, err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

func readPassword(path string) (string, error) {
	text, err := readPrivate(path)
	if err != nil {
		return "", fmt.Errorf("pm: %w", err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), nil
}

// readPrivate reads a file that nobody but its owner may read or write.
func readPrivate(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	status, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !status.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if status.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %04o, so others may read it: chmod 0600 %s", path, status.Mode().Perm(), path)
	}
	text := make([]byte, status.Size())
	if _, err := file.ReadAt(text, 0); err != nil && len(text) > 0 {
		return nil, err
	}
	return text, nil
}
