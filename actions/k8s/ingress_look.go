package k8s

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/pem"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const classAnnotation = "kubernetes.io/ingress.class"

func (cl *Cluster) inspectIngress(ctx context.Context, obj *object) (ingressOut, error) {
	out := newIngressOut()
	ing, err := typed[networking.Ingress](obj)
	if err != nil {
		return out, err
	}
	out.Found = true
	if err := out.class(ctx, cl, ing); err != nil {
		return out, err
	}
	if err := out.rules(ctx, cl, ing); err != nil {
		return out, err
	}
	if err := out.certificates(ctx, cl, ing); err != nil {
		return out, err
	}
	for _, a := range ing.Status.LoadBalancer.Ingress {
		out.Addresses = append(out.Addresses, cmp.Or(a.Hostname, a.IP))
	}
	if len(out.Addresses) == 0 {
		out.note("its status has no address: no controller has taken it, or its controller writes none")
	}
	return out, nil
}

// class looks up who takes the Ingress. The annotation of old needs no class
// object; a field that names one that is not there is taken by nobody.
func (out *ingressOut) class(ctx context.Context, cl *Cluster, ing *networking.Ingress) error {
	if ing.Spec.IngressClassName == nil {
		if out.Class = ing.Annotations[classAnnotation]; out.Class == "" {
			return out.defaultClass(ctx, cl)
		}
		out.note("its class %s is given by an annotation, so whether anybody takes it cannot be seen", out.Class)
		return nil
	}
	out.Class = *ing.Spec.IngressClassName
	_, err := cl.API.IngressClasses().Get(ctx, out.Class)
	if apierrors.IsNotFound(err) {
		out.ClassFound = ptr(false)
		out.problem("its class %s is not there, so no controller takes it", out.Class)
		return nil
	}
	if err != nil {
		return out.unread("class "+out.Class, explain(ctx, err, "reading ingressclass/"+out.Class))
	}
	out.ClassFound = ptr(true)
	return nil
}

func (out *ingressOut) defaultClass(ctx context.Context, cl *Cluster) error {
	found, err := cl.API.IngressClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return out.unread("which class is the default", explain(ctx, err, "listing ingressclasses"))
	}
	for _, c := range found.Items {
		if c.Annotations[networking.AnnotationIsDefaultIngressClass] == "true" {
			out.Class, out.ClassFound = c.Name, ptr(true)
			return nil
		}
	}
	out.note("it names no class and none is the default: only a controller that takes any will serve it")
	return nil
}

func (out *ingressOut) rules(ctx context.Context, cl *Cluster, ing *networking.Ingress) error {
	if d := ing.Spec.DefaultBackend; d != nil {
		if err := out.rule(ctx, cl, "", "", *d); err != nil {
			return err
		}
	}
	for _, r := range ing.Spec.Rules {
		if r.HTTP == nil {
			continue
		}
		for _, p := range r.HTTP.Paths {
			if err := out.rule(ctx, cl, r.Host, p.Path, p.Backend); err != nil {
				return err
			}
		}
	}
	if len(out.Backends) == 0 && len(out.Notes) == 0 {
		out.problem("it has no rule and no default backend, so it leads nowhere")
	}
	return nil
}

func (out *ingressOut) rule(ctx context.Context, cl *Cluster, host, path string, to networking.IngressBackend) error {
	if to.Service == nil {
		out.note("%s leads to something that is no Service, which was not looked at", destination{Host: host, Path: path}.where())
		return nil
	}
	port := to.Service.Port.Name
	if port == "" {
		port = strconv.Itoa(int(to.Service.Port.Number))
	}
	return out.follow(ctx, cl, destination{Host: host, Path: path, Service: to.Service.Name, Port: port})
}

func (out *ingressOut) certificates(ctx context.Context, cl *Cluster, ing *networking.Ingress) error {
	for _, t := range ing.Spec.TLS {
		st := tlsState{Hosts: append([]string{}, t.Hosts...), Secret: t.SecretName}
		if t.SecretName == "" {
			out.note("a certificate names no secret: its controller has one of its own")
			out.TLS = append(out.TLS, st)
			continue
		}
		s, err := cl.API.Secrets(cl.Namespace).Get(ctx, t.SecretName)
		switch {
		case apierrors.IsNotFound(err):
			st.Present = ptr(false)
			out.problem("secret %s with the certificate is not there", t.SecretName)
		case err != nil:
			if err := out.unread("secret "+t.SecretName, explain(ctx, err, "reading secret/"+t.SecretName)); err != nil {
				return err
			}
		default:
			if err := out.certificate(ctx, cl, &st, s); err != nil {
				return err
			}
		}
		out.TLS = append(out.TLS, st)
	}
	return nil
}

// certificate reads when a certificate ends; nothing else of the Secret is told.
func (out *ingressOut) certificate(ctx context.Context, cl *Cluster, st *tlsState, s *corev1.Secret) error {
	block, _ := pem.Decode(s.Data[corev1.TLSCertKey])
	whole := block != nil && len(s.Data[corev1.TLSPrivateKeyKey]) > 0
	st.Present = &whole
	if !whole {
		out.problem("secret %s has no certificate with its key", s.Name)
		return nil
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		out.problem("the certificate in secret %s cannot be read", s.Name)
		return nil //nolint:nilerr // told as a problem; the error may quote the certificate
	}
	st.Expires = cert.NotAfter.UTC().Format(time.RFC3339)
	now, err := cl.now(ctx)
	if err != nil {
		return err
	}
	if now.After(cert.NotAfter) {
		out.problem("the certificate in secret %s ended at %s", s.Name, st.Expires)
	}
	return nil
}
