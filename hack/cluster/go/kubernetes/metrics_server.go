package main

import (
	"errors"

	"github.com/spf13/cobra"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/kubernetes/pkg/generated/openapi"
	"sigs.k8s.io/metrics-server/cmd/metrics-server/app/options"
	"sigs.k8s.io/metrics-server/pkg/api"
)

// newMetricsServerCommand is metrics-server as it is, but for the schema of its API. metrics-server 0.8 brings one that
// was generated for Kubernetes 1.33, under names that Kubernetes 1.35 no longer looks for; the one of Kubernetes has the
// same types.
func newMetricsServerCommand() *cobra.Command {
	opts := options.NewOptions()
	command := &cobra.Command{
		Use: "metrics-server",
		RunE: func(*cobra.Command, []string) error {
			if problems := opts.Validate(); len(problems) > 0 {
				return errors.Join(problems...)
			}
			config, err := opts.ServerConfig()
			if err != nil {
				return err
			}
			names := openapinamer.NewDefinitionNamer(api.Scheme)
			config.Apiserver.OpenAPIConfig = server.DefaultOpenAPIConfig(openapi.GetOpenAPIDefinitions, names)
			config.Apiserver.OpenAPIV3Config = server.DefaultOpenAPIV3Config(openapi.GetOpenAPIDefinitions, names)
			complete, err := config.Complete()
			if err != nil {
				return err
			}
			return complete.RunUntil(server.SetupSignalHandler())
		},
	}
	for _, flags := range opts.Flags().FlagSets {
		command.Flags().AddFlagSet(flags)
	}
	return command
}
