// Command dapr is Dapr's control plane and its sidecar in one binary, selected by the name it is started by.
//
// The sidecar registers only the components this system uses; see sidecar.go.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	injector "github.com/dapr/dapr/cmd/injector/app"
	operator "github.com/dapr/dapr/cmd/operator/app"
	placement "github.com/dapr/dapr/cmd/placement/app"
	sentry "github.com/dapr/dapr/cmd/sentry/app"
)

func main() {
	switch name := filepath.Base(os.Args[0]); name {
	case "operator":
		operator.Run()
	case "injector":
		injector.Run()
	case "sentry":
		sentry.Run()
	case "placement":
		placement.Run()
	case "daprd":
		runSidecar()
	default:
		fmt.Fprintf(os.Stderr, "dapr: started as %q; start it as operator, injector, sentry, placement or daprd\n", name)
		os.Exit(2)
	}
}
