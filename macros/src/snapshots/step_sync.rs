pub fn reserve(order: &Order, left: u32, __arg2: Key) -> Result<u32, Refused> {
    ::candor::__private::site!(
        step "reserve", ["id"].slow_nanos(250000000u64)
        .checked([::candor::__private::unreserved("id",
        ::candor::__private::LineKind::Step)])
    );
    let mut __step = ::candor::__private::StepGuard::enter_with(
        &__SITE,
        |__fields| {
            #[allow(unused_imports)]
            use ::candor::__private::values::*;
            __fields
                .field(
                    ",\"id\":",
                    const { ::candor::__private::is_sensitive("id") },
                    &(&&&&&&&&&&&&&::candor::__private::Given(&order.id)).candor_value(),
                );
        },
    );
    let __value = ::candor::__private::call3(
        order,
        left,
        __arg2,
        move |
            #[allow(clippy::shadow_reuse)]
            order,
            #[allow(clippy::shadow_reuse)]
            mut left,
            __arg2,
        | -> Result<u32, Refused> {
            let _ = &order;
            left -= order.count()?;
            Ok(left)
        },
    );
    __step
        .read(
            &__value,
            |__value| {
                ::candor::__private::call_result!(__value)
                    .with_error_answer(|| ::candor::__private::error_answered!(__value))
            },
        );
    return __value;
}
