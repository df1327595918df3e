// Package access says where a daemon is and how to get in: a unix socket, or
// TLS with a client certificate and a user's password.
package access

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// Access is a daemon and what it wants to see of a client.
type Access struct {
	// Address is unix:///path or https://host:port.
	Address string
	// CA, Cert and Key are PEM files; for https.
	CA, Cert, Key string
	// User and PasswordFile are for https.
	User, PasswordFile string
}

// Flags defines the flags of an Access.
func Flags() *Access {
	a := &Access{}
	flag.StringVar(&a.Address, "address", "", "unix:///path or https://host:port")
	flag.StringVar(&a.CA, "ca", "", "PEM file of the daemon's authority")
	flag.StringVar(&a.Cert, "cert", "", "PEM file of the client's certificate")
	flag.StringVar(&a.Key, "key", "", "PEM file of its key")
	flag.StringVar(&a.User, "user", "", "user's name")
	flag.StringVar(&a.PasswordFile, "password-file", "", "file with the user's password")
	return a
}

// Socket is the path of the unix socket, if the address is one.
func (a *Access) Socket() (string, bool) {
	return strings.CutPrefix(a.Address, "unix://")
}

// HostPort is where an https address points to.
func (a *Access) HostPort() (string, error) {
	u, err := url.Parse(a.Address)
	if err != nil || u.Scheme != "https" {
		return "", fmt.Errorf("the address must be unix:///path or https://host:port, not %q", a.Address)
	}
	return u.Host, nil
}

// TLS is the configuration for https.
func (a *Access) TLS() (*tls.Config, error) {
	pem, err := os.ReadFile(a.CA)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", a.CA)
	}
	pair, err := tls.LoadX509KeyPair(a.Cert, a.Key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}, nil
}

// Authorization is the value of the authorization header, empty without a user.
func (a *Access) Authorization() (string, error) {
	if a.User == "" {
		return "", nil
	}
	password, err := os.ReadFile(a.PasswordFile)
	if err != nil {
		return "", err
	}
	text := a.User + ":" + strings.TrimRight(string(password), "\r\n")
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)), nil
}

// HTTPClient makes HTTP/2 requests to the daemon, and says which base URL to use.
func (a *Access) HTTPClient() (client *http.Client, baseURL string, err error) {
	protocols := new(http.Protocols)
	transport := &http.Transport{Protocols: protocols}
	if socket, ok := a.Socket(); ok {
		// HTTP/2 without TLS, with prior knowledge.
		protocols.SetUnencryptedHTTP2(true)
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}
		return &http.Client{Transport: transport}, "http://localhost", nil
	}
	protocols.SetHTTP2(true)
	if transport.TLSClientConfig, err = a.TLS(); err != nil {
		return nil, "", err
	}
	authorization, err := a.Authorization()
	if err != nil {
		return nil, "", err
	}
	return &http.Client{Transport: authorized{transport, authorization}}, a.Address, nil
}

type authorized struct {
	next   http.RoundTripper
	header string
}

// RoundTrip adds the header to a copy: a RoundTripper must not change the request.
func (t authorized) RoundTrip(request *http.Request) (*http.Response, error) {
	if t.header != "" {
		request = request.Clone(request.Context())
		request.Header.Set("Authorization", t.header)
	}
	return t.next.RoundTrip(request)
}
