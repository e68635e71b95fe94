"""Products and their parts, for the administrator."""

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from crisiscomms.refusal import Refused
from incidents import access, actions, forms
from incidents.models import Component, Product

PAGE = ["GET", "HEAD", "POST"]


@require_http_methods(PAGE)
def products(request: HttpRequest) -> HttpResponse:
    """What customers use: products and their parts."""
    access.page(request.user, "set_up")
    new_product = forms.ProductForm(request.POST if "add_product" in request.POST else None, prefix="p")
    new_component = forms.NewComponentForm(
        request.POST if "add_component" in request.POST else None,
        prefix="c",
        initial={"product": request.GET.get("product", "")},
    )
    for form, act in ((new_product, actions.add_product), (new_component, actions.add_component)):
        if form.is_bound and form.is_valid():
            try:
                made = act(by=request.user, now=request.now, **form.cleaned_data)
            except Refused as refusal:
                form.add_error("name", str(refusal))
            else:
                messages.success(request, "Added.")
                # The next part most likely belongs to the same product.
                product = made.product_id if isinstance(made, Component) else made.pk
                return redirect(f"{reverse('incidents:products')}?product={product}#new-part")
    parts = Prefetch("components", queryset=Component.objects.prefetch_related("needs__on"))
    context = {
        "new_product": new_product,
        "new_component": new_component,
        "products": Product.objects.prefetch_related(parts),
        "count": Component.objects.in_use().count(),
    }
    bad = new_product.is_bound or new_component.is_bound
    return render(request, "incidents/product_list.html", context, status=422 if bad else 200)


@require_http_methods(PAGE)
def product(request: HttpRequest, product_id: int) -> HttpResponse:
    access.page(request.user, "set_up")
    row = get_object_or_404(Product, pk=product_id)
    form = forms.ProductForm(request.POST or None, initial={"name": row.name})
    if request.method == "POST" and form.is_valid():
        try:
            actions.rename_product(product_id=row.pk, by=request.user, now=request.now, **form.cleaned_data)
        except Refused as refusal:
            form.add_error("name", str(refusal))
        else:
            messages.success(request, "Saved.")
            return redirect("incidents:products")
    context = {"form": form, "product": row}
    return render(request, "incidents/product.html", context, status=422 if form.is_bound else 200)


@require_http_methods(PAGE)
def component(request: HttpRequest, component_id: int) -> HttpResponse:
    """One part: its words, whether customers see it, and what it needs."""
    access.page(request.user, "set_up")
    row = get_object_or_404(Component.objects.select_related("product"), pk=component_id)
    first = {
        "name": row.name,
        "description": row.description,
        "is_public": row.is_public,
        "needs": row.needs.values_list("on", flat=True),
    }
    form = forms.ComponentSetUpForm(request.POST or None, initial=first, component=row)
    if request.method == "POST" and form.is_valid():
        values = {**form.cleaned_data, "needs": list(form.cleaned_data["needs"])}
        try:
            actions.change_component(component_id=row.pk, by=request.user, now=request.now, **values)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Saved.")
            return redirect("incidents:products")
    context = {
        "form": form,
        "component": row,
        "needed_by": [one.component for one in row.needed_by.select_related("component")],
    }
    return render(request, "incidents/component.html", context, status=422 if form.is_bound else 200)


@require_POST
def use_component(request: HttpRequest, component_id: int) -> HttpResponse:
    """Take a part out of use, or into use again."""
    access.page(request.user, "set_up")
    row = get_object_or_404(Component, pk=component_id)
    act = actions.restore_component if row.retired_at else actions.retire_component
    try:
        act(component_id=row.pk, by=request.user, now=request.now)
        messages.success(request, f"{row.name} is {'in use again' if row.retired_at else 'out of use'}.")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("incidents:component_setup", component_id)
