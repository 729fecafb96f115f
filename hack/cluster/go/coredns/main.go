// Command coredns is CoreDNS with only the plugins the cluster's Corefile names.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loop"
	_ "github.com/coredns/coredns/plugin/ready"
)

// The order is that of the plugin chain: a query passes the cache before it reaches kubernetes or forward.
func main() {
	dnsserver.Directives = []string{"errors", "health", "ready", "cache", "kubernetes", "loop", "forward"}
	coremain.Run()
}
